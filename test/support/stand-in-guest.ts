import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { EdgeRouter } from '../../packages/server/src/network/edge-router.ts'
import { joinPort } from '../../packages/server/src/network/guest-port.ts'
import { linkOf, lookAt } from '../../packages/server/src/network/namespace-look.ts'
import { loadRules, readRuleset } from '../../packages/server/src/network/project-namespace.ts'
import { compileRuleset } from '../../packages/server/src/network/ruleset.ts'
import { readWayTable } from '../../packages/server/src/network/translation-rules.ts'
import { CLOSED_POLICY, type GuestPolicy } from '../../packages/server/src/network/guest-policy.ts'
import type { GuestPort, ProjectNetwork } from '../../packages/server/src/network/network-driver.ts'
import { runCommand } from '../../packages/server/src/host/run-command.ts'

/**
 * Listens on every port of argv; greets with a name, then echoes, what ends in `in N ms` only after that time,
 * and ends only when the other side has.
 */
const SERVER = `
const [name, ...ports] = process.argv.slice(1)
Promise.all(ports.map((port) => new Promise((ready) => {
  require('net').createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.write(name + '\\n')
    socket.on('data', (data) => {
      const pause = / in ([0-9]+) ms$/.exec(data.toString())
      if (pause !== null) return setTimeout(() => socket.write(data), Number(pause[1]))
      if (!socket.write(data)) socket.pause()
    })
    socket.on('drain', () => socket.resume())
    socket.on('end', () => socket.end())
  }).listen(Number(port), '0.0.0.0', ready)
}))).then(() => console.log('ready'))
`

/** Answers every datagram on the UDP ports of argv with a name. */
const UDP_SERVER = `
const [name, ...ports] = process.argv.slice(1)
Promise.all(ports.map((port) => new Promise((ready) => {
  const socket = require('dgram').createSocket('udp4')
  socket.on('message', (data, from) => socket.send(name, from.port, from.address))
  socket.bind(Number(port), '0.0.0.0', ready)
}))).then(() => console.log('ready'))
`

/** Tries every address:port of argv at once and prints what came of each before one common deadline. */
const CLIENT = `
const [deadline, source, ...targets] = process.argv.slice(1)
const attempts = targets.map((target) => new Promise((done) => {
  const [host, port] = target.split(':')
  const socket = require('net').connect({ host, port: Number(port), ...(source ? { localAddress: source } : {}) })
  const timer = setTimeout(() => { socket.destroy(); done('silence') }, Number(deadline))
  const finish = (text) => { clearTimeout(timer); socket.destroy(); done(text) }
  socket.on('data', (data) => finish(data.toString().trim()))
  socket.on('error', (error) => finish(error.code))
}))
Promise.all(attempts).then((results) => console.log(JSON.stringify(results)))
`

/** Sends a few UDP datagrams from an address; whether they arrive is for the receiver to tell. */
const SENDER = `
const [source, address] = process.argv.slice(1)
const socket = require('dgram').createSocket('udp4')
socket.bind(0, source, () => {
  let left = 3
  const next = () => left-- > 0 ? socket.send('x', 9, address, () => setTimeout(next, 20)) : socket.close()
  next()
})
socket.on('error', (error) => { console.error(error.message); process.exit(1) })
`

/** What came of each `address:port`: the first line that was said, `silence`, or an error code. */
export async function knock(
  namespace: string,
  targets: readonly string[],
  deadline = 1500,
  source = '',
): Promise<string[]> {
  const node = [process.execPath, '-e', CLIENT, '--', String(deadline), source, ...targets]
  return JSON.parse(await runCommand('ip', ['netns', 'exec', namespace, ...node])) as string[]
}

/**
 * A namespace that takes a guest's place: a veth pair stands for the tap, its bridge end attached by the
 * same code, the other end with the guest's MAC and IP address.
 */
export class StandInGuest {
  readonly namespace: string
  readonly port: GuestPort
  readonly #project: string
  readonly #network: ProjectNetwork
  readonly #edge: EdgeRouter | null
  readonly #servers: ChildProcess[] = []

  constructor(
    namespace: string,
    project: string,
    network: ProjectNetwork,
    port: GuestPort,
    edge: EdgeRouter | null = null,
  ) {
    this.namespace = namespace
    this.port = port
    this.#project = project
    this.#network = network
    this.#edge = edge
  }

  /** Makes the namespace and attaches it. */
  async start(): Promise<void> {
    const { tap, mac, address } = this.port
    const [gateway = '', prefix = ''] = this.#network.gateway.split('/')
    await runCommand('ip', ['netns', 'add', this.namespace])
    await this.ip('link', 'set', 'dev', 'lo', 'up')
    const inner = ['type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', this.namespace]
    await runCommand('ip', ['-n', this.#project, 'link', 'add', 'name', tap, ...inner])
    await this.ip('address', 'add', `${address}/${prefix}`, 'dev', 'eth0')
    await this.ip('link', 'set', 'dev', 'eth0', 'up')
    await this.ip('route', 'add', 'default', 'via', gateway)
    await this.attach()
  }

  /** Loads the port's rules and joins it to the bridge, as often as wanted. */
  async attach(policy: GuestPolicy = CLOSED_POLICY): Promise<void> {
    const transit = this.#edge?.transitOf(this.#network) ?? null
    const [look, rules] = await Promise.all([lookAt(this.#project), readRuleset(this.#project)])
    const ports = [{ ...this.port, policy }]
    const ways = readWayTable(transit === null ? [] : rules)
    await loadRules(this.#project, compileRuleset(this.#network, transit, ports, ways))
    const link = linkOf(look.links, this.port.tap)
    await joinPort(this.#project, look, this.port, { lines: [], link })
    await this.#edge?.mirror(this.#project, this.#network)
  }

  /** Runs `ip` inside. */
  async ip(...args: string[]): Promise<string> {
    return runCommand('ip', ['-n', this.namespace, ...args])
  }

  /** Listens on TCP ports inside, greeting with `name`. */
  async serve(name: string, ...ports: number[]): Promise<void> {
    await this.#start(SERVER, name, ports)
  }

  /** Answers datagrams on UDP ports inside with `name`. */
  async serveUdp(name: string, ...ports: number[]): Promise<void> {
    await this.#start(UDP_SERVER, name, ports)
  }

  async #start(program: string, name: string, ports: readonly number[]): Promise<void> {
    const node = [process.execPath, '-e', program, '--', name, ...ports.map(String)]
    const server = spawn('ip', ['netns', 'exec', this.namespace, ...node], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    await once(server.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
  }

  /** Sends UDP datagrams to port 9 of an address, from any address that is configured inside. */
  async send(source: string, address: string): Promise<void> {
    const node = [process.execPath, '-e', SENDER, '--', source, address]
    await runCommand('ip', ['netns', 'exec', this.namespace, ...node])
  }

  /** Ends its servers and its namespace, and with that its end of the cable. */
  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0)) {
      if (server.exitCode !== null || server.signalCode !== null) continue
      const gone = once(server, 'exit')
      server.kill('SIGKILL')
      await gone
    }
    await runCommand('ip', ['netns', 'delete', this.namespace]).catch(() => {})
  }
}
