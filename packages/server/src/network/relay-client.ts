import { spawn } from 'node:child_process'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HostError } from '@berth/contract/host/host-error'
import { readLine } from './line-channel.ts'
import {
  judgeRelay,
  parseResponse,
  RELAY_VERSION,
  type RelayForward,
  type RelayOpenForward,
  type RelayPlace,
  type RelayRequest,
  type RelayResponse,
} from './relay-protocol.ts'
import { commandEnvironment } from '../host/run-command.ts'

/** Milliseconds for one answer: longer than the relay's own patience with a process it starts. */
const ANSWER_TIMEOUT = 30_000
/** Milliseconds for a relay to come up, or to go. */
const START_TIMEOUT = 20_000

/** Thrown when the relay could do something but not this; `code` is the system's, such as EADDRINUSE. */
export class RelayRefusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'RelayRefusal'
    this.code = code
  }
}

type Answer = Extract<RelayResponse, { ok: true }>

/** Speaks to an installation's relay, and starts it when something is to be forwarded. */
export class RelayClient {
  readonly socketPath: string
  readonly #installId: string
  readonly #runDir: string
  #starting: Promise<void> | null = null

  /** Throws a HostError when `runDir` is too long for a unix socket below it (107 bytes, unix(7)). */
  constructor(installId: string, runDir: string) {
    this.#installId = installId
    this.#runDir = runDir
    this.socketPath = join(runDir, 'relay.sock')
    if (Buffer.byteLength(this.socketPath) > 107) {
      const message = `The path ${this.socketPath} is too long for a socket. Use a shorter state directory.`
      throw new HostError(message, { retryable: false })
    }
  }

  /** Makes the directory of the socket, the lock and the log, for root only. */
  makeDirectory(): void {
    mkdirSync(this.#runDir, { recursive: true, mode: 0o700 })
    chmodSync(this.#runDir, 0o700)
  }

  /** Opens a forward, with a relay started for it if none runs. Throws RelayRefusal or HostError. */
  async ensure(forward: RelayForward): Promise<RelayPlace> {
    // A relay may have been on its way out when it answered `ping`.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      this.#starting ??= this.#ensureRelay().finally(() => (this.#starting = null))
      await this.#starting
      const response = await this.#requestIfRunning({ op: 'ensure', forward })
      if (response === null) continue
      const { listen } = demand(response)
      if (listen !== undefined) return listen
    }
    throw new HostError('The relay ended before it could forward anything.')
  }

  /** Closes a forward. Without a relay nothing is forwarded, so there is nothing to do. */
  async remove(id: string): Promise<void> {
    const response = await this.#requestIfRunning({ op: 'remove', id })
    if (response !== null) demand(response)
  }

  /**
   * Every open forward; none when no relay runs.
   * @param prefix only those whose ids begin with it
   */
  async list(prefix = ''): Promise<readonly RelayOpenForward[]> {
    const response = await this.#requestIfRunning({ op: 'list', ...(prefix === '' ? {} : { prefix }) })
    const forwards = response === null ? [] : (demand(response).forwards ?? [])
    return forwards.filter(({ id }) => id.startsWith(prefix))
  }

  /** Tells the relay to exit if it forwards nothing, and waits until it has. */
  async stopIfIdle(): Promise<void> {
    const present = await this.#requestIfRunning({ op: 'ping' })
    if (present === null) return
    const { pid } = demand(present)
    const response = await this.#requestIfRunning({ op: 'stop-if-idle' })
    if (response === null || demand(response).stopping !== true || pid === undefined) return
    const deadline = Date.now() + START_TIMEOUT
    while (isAlive(pid)) {
      if (Date.now() > deadline) throw new HostError(`The relay (pid ${pid}) said it would end, but did not.`)
      await delay(20)
    }
  }

  async #ensureRelay(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT
    let spawned = 0
    while (Date.now() < deadline) {
      const response = await this.#requestIfRunning({ op: 'ping' })
      if (response !== null && (await this.#suits(demand(response).version ?? 0))) return
      // Losing the race for the lock ends a relay quietly, so one is started again now and then.
      if (response === null && Date.now() - spawned > 2000) {
        this.#spawn()
        spawned = Date.now()
      }
      await delay(50)
    }
    const message = `The relay did not start within ${START_TIMEOUT / 1000} s.`
    throw new HostError(`${message} ${join(this.#runDir, 'relay.log')} tells why.`)
  }

  /** Applies the rule of relay-protocol.ts to a relay of any version; false when it was told to go. */
  async #suits(version: number): Promise<boolean> {
    if (version === RELAY_VERSION) return true
    const stop = await this.#requestIfRunning({ op: 'stop-if-idle' })
    if (stop === null) return false
    const verdict = judgeRelay(version, demand(stop).stopping !== true)
    if (verdict === 'drain') await this.#requestIfRunning({ op: 'drain' })
    return verdict === 'use'
  }

  #spawn(): void {
    this.makeDirectory()
    const log = openSync(join(this.#runDir, 'relay.log'), 'a', 0o600)
    try {
      const script = join(import.meta.dirname, 'relay-supervisor.ts')
      const flags = ['--disable-warning=ExperimentalWarning']
      const child = spawn(process.execPath, [...flags, script, this.#installId, this.#runDir], {
        // A session of its own: neither the terminal's Ctrl-C nor the end of this process reaches it.
        detached: true,
        stdio: ['ignore', log, log],
        cwd: '/',
        env: commandEnvironment,
      })
      child.on('error', () => {})
      child.unref()
    } finally {
      closeSync(log)
    }
  }

  /** Answers null when no relay listens, or it has gone or is going. */
  async #requestIfRunning(request: RelayRequest): Promise<RelayResponse | null> {
    try {
      const response = await this.#request(request)
      return !response.ok && response.code === 'leaving' ? null : response
    } catch (error) {
      if (error instanceof HostError && isAbsence(error.cause)) return null
      throw error
    }
  }

  async #request(request: RelayRequest): Promise<RelayResponse> {
    const socket = connect(this.socketPath)
    try {
      const line = readLine(socket, ANSWER_TIMEOUT)
      socket.write(`${JSON.stringify(request)}\n`)
      return parseResponse(await line)
    } catch (error) {
      const why = (error as Error).message
      throw new HostError(`The relay at ${this.socketPath} did not answer: ${why}.`, { cause: error })
    } finally {
      socket.on('error', () => {})
      socket.destroy()
    }
  }
}

function demand(response: RelayResponse): Answer {
  if (!response.ok) throw new RelayRefusal(response.code, response.message)
  return response
}

function isAbsence(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code)
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`)
}
