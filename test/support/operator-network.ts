import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import type { BridgeUplink } from '../../packages/server/src/network/bridge-uplink.ts'
import { OutsideClient } from './outside-client.ts'

/** Greets whoever connects to a TCP port of argv, and answers each datagram to a UDP port, with name and peer. */
const GREETER = `
const [name, ...ports] = process.argv.slice(1)
Promise.all(ports.map((text) => new Promise((ready) => {
  const port = Number(text.slice(3))
  const greeting = (address) => name + ' ' + address
  if (text.startsWith('udp')) {
    const socket = require('dgram').createSocket('udp4')
    socket.on('message', (data, from) => socket.send(greeting(from.address), from.port, from.address))
    return socket.bind(port, '0.0.0.0', ready)
  }
  require('net').createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => socket.write(data))
    socket.write(greeting(socket.remoteAddress) + '\\n')
  }).listen(port, '0.0.0.0', ready)
}))).then(() => console.log('ready'))
`

/**
 * What an operator has: a namespace with a bridge on a public network, 203.0.113.0/24, whose router it is. On the
 * bridge is a neighbour, and beyond the router are an office and a visitor.
 */
export class OperatorNetwork {
  readonly namespace: string
  readonly neighbour: string
  readonly office: OutsideClient
  readonly visitor: OutsideClient
  readonly #servers: ChildProcess[] = []

  /** @param id keeps networks of tests apart; at most eight characters */
  constructor(id: string) {
    this.namespace = `bu-${id}`
    this.neighbour = `bu-${id}-near`
    const beyond = (name: string, address: string) =>
      new OutsideClient(`bu-${id}-${name}`, this.namespace, OperatorNetwork.gateway, name, address)
    this.office = beyond('office', '198.51.100.10')
    this.visitor = beyond('visitor', '198.51.100.77')
  }

  static readonly gateway = '203.0.113.1/24'
  static readonly edgeAddress = '203.0.113.10'
  static readonly neighbourAddress = '203.0.113.50'

  uplink(guestEgress: boolean): BridgeUplink {
    const { gateway, edgeAddress } = OperatorNetwork
    return { bridge: 'wan', namespace: this.namespace, gateway, edgeAddress, guestEgress }
  }

  async start(): Promise<void> {
    await runCommand('ip', ['netns', 'add', this.namespace])
    await this.ip('link', 'set', 'dev', 'lo', 'up')
    await this.ip('link', 'add', 'name', 'wan', 'type', 'bridge')
    await this.ip('address', 'add', OperatorNetwork.gateway, 'dev', 'wan')
    await this.ip('link', 'set', 'dev', 'wan', 'up')
    const settings = ['net.ipv4.ip_forward=1', 'net.bridge.bridge-nf-call-iptables=0']
    await this.exec('sysctl', '--quiet', '--ignore', '--write', ...settings)
    await runCommand('ip', ['netns', 'add', this.neighbour])
    const near = (...args: string[]) => runCommand('ip', ['-n', this.neighbour, ...args])
    await this.ip(
      'link',
      'add',
      'name',
      'near',
      'address',
      '02:00:00:00:50:00',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.neighbour,
    )
    await this.ip('link', 'set', 'dev', 'near', 'master', 'wan')
    await this.ip('link', 'set', 'dev', 'near', 'up')
    await near('link', 'set', 'dev', 'lo', 'up')
    await near('address', 'add', `${OperatorNetwork.neighbourAddress}/24`, 'dev', 'eth0')
    await near('link', 'set', 'dev', 'eth0', 'up')
    await near('route', 'add', 'default', 'via', '203.0.113.1')
    for (const client of [this.office, this.visitor]) await client.start()
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0)) {
      const gone = once(server, 'exit')
      server.kill('SIGKILL')
      await gone
    }
    for (const client of [this.office, this.visitor]) await client.stop()
    for (const namespace of [this.neighbour, this.namespace])
      await runCommand('ip', ['netns', 'delete', namespace]).catch(() => {})
  }

  /** Runs `ip` on the operator's side. */
  async ip(...args: string[]): Promise<string> {
    return runCommand('ip', ['-n', this.namespace, ...args])
  }

  /** Runs a program on the operator's side. */
  async exec(...words: string[]): Promise<string> {
    return runCommand('ip', ['netns', 'exec', this.namespace, ...words])
  }

  /** Listens inside a namespace on places such as `tcp80` and `udp53`, and greets with the name and the peer's address. */
  async greet(namespace: string, name: string, ...places: string[]): Promise<void> {
    const node = [process.execPath, '-e', GREETER, '--', name, ...places]
    const server = spawn('ip', ['netns', 'exec', namespace, ...node], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    await once(server.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
  }
}
