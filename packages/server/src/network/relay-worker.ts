import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket as UdpSocket } from 'node:dgram'
import { statSync } from 'node:fs'
import { BoundSocket, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { relayLog } from './relay-log.ts'
import type { FromRelayChild, ToRelayChild } from './relay-messages.ts'
import type { Gate } from './gate.ts'
import type { RelayForward, RelayOpenForward } from './relay-protocol.ts'
import { openRelaySocket } from './relay-socket.ts'
import { commandEnvironment } from '../host/run-command.ts'

/** Milliseconds a relay process may take to start, to take a listener over, or to end. */
const PATIENCE = 15_000
/** Milliseconds until a process that died is started again; doubled with every death in a row. */
const FIRST_RESTART = 100
const LAST_RESTART = 5000

/** Loads the code as root, wherever the product is installed; relay-child.ts then gives up the user. */
const KEPT_CAPABILITIES = '-all,+setuid,+setgid,+dac_read_search,+dac_override'

interface OpenForward {
  /** With the port it really has. */
  forward: RelayForward
  /**
   * Bound, never listening: keeps the port from being given away while no relay process listens on it. UDP
   * has no such thing: there the port is free for the moment until a new relay process has it.
   */
  readonly reservation: BoundSocket | null
  /** Whether the present relay process has the listening socket. */
  served: boolean
}

/** The supervisor's side of one namespace: its relay process, and the forwards that process serves. */
export class RelayWorker {
  readonly #installId: string
  readonly #namespace: string
  readonly #networkKey: string
  readonly #queue = new KeyedMutex()
  readonly #open = new Map<string, OpenForward>()
  #child: ChildProcess | null = null
  #deaths = 0

  constructor(installId: string, namespace: string, networkKey: string) {
    this.#installId = installId
    this.#namespace = namespace
    this.#networkKey = networkKey
  }

  get forwards(): RelayOpenForward[] {
    return [...this.#open.values()].map(({ forward: { gate: _gate, ...forward } }) => forward)
  }

  /** Starts to listen, and answers the forward with its real port. Throws the system's error when it cannot. */
  open(wanted: RelayForward): Promise<RelayForward> {
    return this.#queue.run('', async () => {
      const { address: host, port } = wanted.listen
      const reservation = wanted.protocol === 'tcp' ? new BoundSocket({ host, port }) : null
      let forward = reservation ? withPort(wanted, reservation.address().port) : wanted
      try {
        const child = await this.#running()
        forward = withPort(forward, await this.#hand(child, forward))
      } catch (error) {
        reservation?.close()
        await this.#endIfUnused()
        throw error
      }
      this.#open.set(forward.id, { forward, reservation, served: true })
      return forward
    })
  }

  /** Changes who may use an open forward; connections of those who may not any more have ended. */
  setGate(id: string, gate: Gate | null): Promise<void> {
    return this.#queue.run('', async () => {
      const entry = this.#open.get(id)
      if (entry === undefined || JSON.stringify(entry.forward.gate) === JSON.stringify(gate)) return
      entry.forward = { ...entry.forward, gate }
      const child = this.#child
      if (child === null || !entry.served) return
      // A process that does not answer must not go on under the earlier gate.
      await this.#ask(child, { type: 'gate', id, gate }, 'gated').catch(() => child.kill('SIGKILL'))
    })
  }

  /** Stops listening and ends the forward's connections; with the last one the relay process has ended. */
  close(id: string): Promise<void> {
    return this.#queue.run('', async () => {
      const entry = this.#open.get(id)
      if (entry === undefined) return
      this.#open.delete(id)
      entry.reservation?.close()
      const child = this.#child
      if (child !== null)
        await this.#ask(child, { type: 'close', id }, 'closed').catch(() => child.kill('SIGKILL'))
      await this.#endIfUnused()
    })
  }

  /** Repairs the listeners if the namespace was made anew since the relay process entered it. */
  check(): Promise<void> {
    return this.#queue.run('', async () => {
      const child = this.#child
      if (child !== null && this.#strayed(child)) {
        relayLog(`${this.#namespace}: the relay process is in a namespace that is gone, starting another`)
        await this.#kill(child)
      }
    })
  }

  /** Stops listening for good and answers once every connection has ended. */
  drain(): Promise<void> {
    return this.#queue.run('', async () => {
      for (const { reservation } of this.#open.values()) reservation?.close()
      this.#open.clear()
      const child = this.#child
      if (child === null) return
      child.send({ type: 'drain' } satisfies ToRelayChild)
      await exitOf(child)
    })
  }

  async #running(): Promise<ChildProcess> {
    if (this.#child !== null && this.#strayed(this.#child)) await this.#kill(this.#child)
    if (this.#child !== null) return this.#child
    const child = spawn('ip', this.#command(), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      cwd: '/',
      env: commandEnvironment,
    })
    this.#child = child
    const since = Date.now()
    child.on('error', (error) => {
      relayLog(`${this.#namespace}: ${error.message}`)
      // A process that never came to be does not exit either.
      if (child.pid === undefined) this.#onExit(child, since, error.message)
    })
    child.on('exit', (code, signal) => this.#onExit(child, since, `exit code ${code}, signal ${signal}`))
    try {
      await answerOf(child, 'ready')
    } catch (error) {
      await this.#kill(child)
      throw new Error(`${this.#namespace}: ${(error as Error).message}`, { cause: error })
    }
    return child
  }

  #command(): string[] {
    const drop = ['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${KEPT_CAPABILITIES}`]
    const script = join(import.meta.dirname, 'relay-child.ts')
    const relay = [process.execPath, script, this.#installId, this.#networkKey]
    return ['netns', 'exec', this.#namespace, ...drop, ...relay]
  }

  /** The socket goes to the relay process; the supervisor's own copy is closed at once. Answers its port. */
  async #hand(child: ChildProcess, forward: RelayForward): Promise<number> {
    const { id, target, gate } = forward
    if (target === null) throw new Error('nothing to forward to')
    const socket = await openRelaySocket(forward)
    const address = socket.address()
    try {
      await this.#ask(child, { type: 'serve', id, target, gate }, 'serving', socket)
    } catch (error) {
      closeQuietly(socket)
      throw error
    }
    return typeof address === 'object' && address !== null ? address.port : forward.listen.port
  }

  async #ask(
    child: ChildProcess,
    message: ToRelayChild & { readonly id: string },
    expected: FromRelayChild['type'],
    socket?: Server | UdpSocket,
  ): Promise<void> {
    const answered = answerOf(child, expected, message.id)
    child.send(message, socket, () => closeQuietly(socket))
    await answered
  }

  #onExit(child: ChildProcess, since: number, how: string): void {
    if (this.#child !== child) return
    this.#child = null
    for (const entry of this.#open.values()) entry.served = false
    if (this.#open.size === 0) return
    this.#deaths = Date.now() - since > 10_000 ? 1 : this.#deaths + 1
    relayLog(`${this.#namespace}: the relay process ended (${how}), starting another`)
    void this.#serveAgain(Math.min(FIRST_RESTART * 2 ** (this.#deaths - 1), LAST_RESTART))
  }

  /** After `pause` ms gives every forward that nobody serves to the relay process, until all are served. */
  async #serveAgain(pause: number): Promise<void> {
    await delay(pause)
    const left = await this.#queue.run('', async () => {
      const waiting = [...this.#open.values()].filter((entry) => !entry.served)
      if (waiting.length === 0) return false
      // A process that does not start ends, and its end leads back here.
      const child = await this.#running().catch((error: unknown) =>
        relayLog(error instanceof Error ? error.message : 'unknown error'),
      )
      if (child === undefined) return false
      for (const entry of waiting) {
        try {
          await this.#hand(child, entry.forward)
          entry.served = true
        } catch (error) {
          relayLog(`forward ${entry.forward.id}: ${(error as Error).message}`)
        }
      }
      return waiting.some((entry) => !entry.served) && this.#child === child
    })
    if (left) void this.#serveAgain(LAST_RESTART)
  }

  async #endIfUnused(): Promise<void> {
    const child = this.#child
    if (child !== null && this.#open.size === 0) await this.#kill(child, 'SIGTERM')
  }

  /** Waits for the end of a process that was told to end. */
  async #kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), 2000)
    await exitOf(child)
    clearTimeout(late)
  }

  #strayed(child: ChildProcess): boolean {
    try {
      return statSync(`/proc/${child.pid}/ns/net`).ino !== statSync(`/run/netns/${this.#namespace}`).ino
    } catch {
      return true
    }
  }
}

function withPort(forward: RelayForward, port: number): RelayForward {
  return { ...forward, listen: { ...forward.listen, port } }
}

/** Closing what is closed already throws. */
function closeQuietly(socket: Server | UdpSocket | undefined): void {
  try {
    socket?.close()
  } catch {}
}

function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
  })
}

/** Waits for one message of the relay process. Throws an Error when it ends or stays silent. */
function answerOf(child: ChildProcess, type: FromRelayChild['type'], id?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit).off('error', onError)
      outcome()
    }
    const onMessage = (message: unknown) => {
      const said = message as { type?: unknown; id?: unknown }
      if (said.type === type && (id === undefined || said.id === id)) finish(resolve)
    }
    const onExit = () => finish(() => reject(new Error('the relay process ended; relay.log tells why')))
    const onError = (error: Error) => finish(() => reject(error))
    const timer = setTimeout(
      () => finish(() => reject(new Error('the relay process does not answer'))),
      PATIENCE,
    )
    child.on('message', onMessage).on('exit', onExit).on('error', onError)
  })
}
