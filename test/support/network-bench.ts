import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FirewallRule } from '@berth/contract/network-rules'
import { errorCode } from '../../packages/server/src/host/error-code.ts'
import type { BridgeUplink } from '../../packages/server/src/network/bridge-uplink.ts'
import { EdgeRouter } from '../../packages/server/src/network/edge-router.ts'
import {
  compileRules,
  NO_ROUTED_WAYS,
  type GuestPolicy,
} from '../../packages/server/src/network/guest-policy.ts'
import type { Forward, GuestPort, ProjectNetwork } from '../../packages/server/src/network/network-driver.ts'
import { NamespaceNetwork } from '../../packages/server/src/network/namespace-network.ts'
import { StandInGuest } from './stand-in-guest.ts'

/** A guest's port by the number of its address, the same in every project. */
export function guestPort(number: number): GuestPort {
  const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`
  return { instanceId: `instance-${number}`, tap: `g${number}`, mac, address: `10.64.0.${number}` }
}

/**
 * An installation of its own with two projects that share a CIDR: `a` and `b` are guests of the first,
 * `far` and `farOther` of the second. All listen on TCP 22 and 80 and greet with their name.
 */
export class NetworkBench {
  readonly installId = randomInt(36 ** 5, 36 ** 6).toString(36)
  readonly directory = mkdtempSync(join(tmpdir(), 'berth-net-'))
  readonly runDir = join(this.directory, 'run')
  readonly network: NamespaceNetwork
  readonly one: ProjectNetwork = { key: 'one', gateway: '10.64.0.1/20', number: 1 }
  readonly two: ProjectNetwork = { key: 'two', gateway: '10.64.0.1/20', number: 2 }
  readonly inOne: string
  readonly inTwo: string
  readonly a: StandInGuest
  readonly b: StandInGuest
  readonly far: StandInGuest
  readonly farOther: StandInGuest
  readonly #edge: EdgeRouter | null
  readonly #guests: Map<string, StandInGuest>
  readonly #children: ChildProcess[] = []
  readonly #sockets: Socket[] = []

  /** @param uplink where packets are to be routed in and out; null: only the relay leads in */
  constructor(uplink: BridgeUplink | null = null) {
    this.network = new NamespaceNetwork({ installId: this.installId, runDir: this.runDir, uplink })
    this.#edge = uplink && new EdgeRouter(this.installId, uplink)
    this.inOne = this.network.namespaceOf('one')
    this.inTwo = this.network.namespaceOf('two')
    this.a = this.#standIn('a', this.one, 5)
    this.b = this.#standIn('b', this.one, 6)
    this.far = this.#standIn('far', this.two, 5)
    this.farOther = this.#standIn('far-other', this.two, 7)
    this.#guests = new Map([
      ['a', this.a],
      ['b', this.b],
      ['far', this.far],
      ['far-other', this.farOther],
    ])
  }

  async setUp(): Promise<void> {
    await this.network.prepare()
    for (const project of [this.one, this.two]) await this.network.ensureProject(project)
    for (const guest of this.#guests.values()) await guest.start()
    await Promise.all([...this.#guests].map(([name, guest]) => guest.serve(name, 22, 80)))
  }

  /** Removes everything, whatever state a failed test left it in. */
  async tearDown(): Promise<void> {
    this.hangUp()
    for (const child of this.#children) child.kill('SIGKILL')
    const entries = await this.network.census()
    const owners = entries.filter(({ kind }) => kind === 'listener').map(({ owner }) => owner)
    for (const owner of owners)
      for (const { id } of await this.network.forwardsOf(owner ?? '')) await this.network.removeForward(id)
    await this.stopGuests()
    for (const { kind, owner } of entries)
      if (kind === 'namespace' && owner !== undefined) await this.network.removeProject(owner)
    await this.network.shutdownIdle()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** What is missing or other than it should be, as people read it. */
  async differences(project: ProjectNetwork, port: GuestPort, policy: GuestPolicy): Promise<string[]> {
    return (await this.network.portDifferences(project, port, policy)).map(({ what }) => what)
  }

  /** Makes a guest's place and all that it stands on, as a server does that looks after it. */
  async restore(project: ProjectNetwork, port: GuestPort, policy: GuestPolicy): Promise<void> {
    await this.network.ensureProject(project)
    await this.network.ensurePort(project, port, policy)
  }

  async stopGuests(): Promise<void> {
    for (const guest of this.#guests.values()) await guest.stop()
  }

  /** Ends every connection that `open` made. */
  hangUp(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
  }

  /** Starts a process that ends with the bench. */
  start(file: string, args: string[]): ChildProcess {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    return child
  }

  /** Connects to a port of 127.0.0.1. */
  async open(port: number): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    this.#sockets.push(socket)
    await once(socket, 'connect', { signal: AbortSignal.timeout(5000) })
    return socket
  }

  /** Like `knock`, from an address of the host. */
  async knockHost(targets: readonly string[], source: string): Promise<string[]> {
    return Promise.all(
      targets.map(async (target) => {
        const [host = '', port = ''] = target.split(':')
        const socket = connect({ host, port: Number(port), localAddress: source })
        this.#sockets.push(socket)
        return hear(socket).catch((error: unknown) => errorCode(error) ?? 'silence')
      }),
    )
  }

  /** What comes back for one UDP datagram from an address of the host, or `silence` after a second. */
  async askHost(place: { address: string; port: number }, source: string): Promise<string> {
    const socket = createSocket('udp4')
    const { promise, resolve } = Promise.withResolvers<string>()
    const timer = setTimeout(() => resolve('silence'), 1000)
    socket.on('message', (data) => resolve(data.toString()))
    socket.on('error', (error) => resolve(error.message))
    socket.bind(0, source, () => socket.send('hello', place.port, place.address))
    return promise.finally(() => {
      clearTimeout(timer)
      socket.close()
    })
  }

  /** The forward NAME/ssh to a guest of a project, on a wanted port of 127.0.0.1 or any. */
  sshForward(name: string, project: ProjectNetwork, guest: StandInGuest, port = 0): Forward {
    const target = { address: guest.port.address, port: 22 }
    const listen = { address: '127.0.0.1', port }
    return { id: `${name}/ssh`, networkKey: project.key, protocol: 'tcp', listen, target, gate: null }
  }

  /** Process ids of the relay: those of a namespace, or without a key the supervisors'. */
  async relayPids(key?: string): Promise<number[]> {
    const entries = await this.network.census()
    return entries
      .filter(({ kind, owner }) => kind === 'process' && owner === key)
      .map(({ name }) => Number(name))
  }

  #standIn(name: string, project: ProjectNetwork, number: number): StandInGuest {
    const namespace = `bg-${this.installId}-${name}`
    const inside = this.network.namespaceOf(project.key)
    return new StandInGuest(namespace, inside, project, guestPort(number), this.#edge)
  }
}

/** What lets in what the rules say, and the relay on ports 22 and 80. */
export function policyOf(...rules: FirewallRule[]): GuestPolicy {
  return { rules: compileRules(rules), relayed: { tcp: [22, 80], udp: [53] }, ways: NO_ROUTED_WAYS }
}

/** The next thing that is said on a connection. */
export async function hear(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer]
  return data.toString().trim()
}

/** Says something, and answers what comes back. */
export async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  return hear(socket)
}

/** Waits until a condition holds; one that throws does not hold yet. Throws after 20 s. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
