import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { servedState } from '../../packages/server/src/network/listening-program.ts'
import type { DemoClient } from './demo-client.ts'
import { noteAnswering, takeDemoDirectory, withdrawRemoval } from './demo-marker.ts'
import type { DemoPlace } from './demo-place.ts'

/** The longest start: the accelerator probe waits up to 20 s for a guest that never answers. */
const START_SECONDS = 90
export const BERTH = join(import.meta.dirname, '../../bin/berth')

export function logOf(place: DemoPlace): string {
  return join(place.state, 'serve.log')
}

/** The process that serves, or last served, the demo's state. */
export function servingPid(place: DemoPlace): number | null {
  try {
    return Number(readFileSync(join(place.state, 'serve.pid'), 'utf8')) || null
  } catch {
    return null
  }
}

/** The process that serves the demo's state right now, whoever started it; null when none does. */
export async function runningPid(place: DemoPlace): Promise<number | null> {
  const pid = servingPid(place)
  return pid !== null && (await servedState(pid)) === place.state ? pid : null
}

/** The demo's own `berth serve`. */
export class DemoServer {
  readonly #place: DemoPlace
  readonly #ended = Promise.withResolvers<void>()
  #child: ChildProcess | null = null
  #stopped = false
  /** Where this server's words begin in the log: a second demo must not empty the first one's. */
  #logStart = 0

  constructor(place: DemoPlace) {
    this.#place = place
  }

  /** Resolves when the server that was started has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  get isRunning(): boolean {
    const child = this.#child
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  }

  /**
   * Starts the server and waits until it is ready. It is kept away from the terminal's Ctrl-C, which would
   * otherwise reach it twice: once by itself and once through its parent.
   * @throws Error with the server's own last words when it ends instead
   */
  async start(client: DemoClient): Promise<void> {
    const { state, listen, driver } = this.#place
    if (this.#stopped) throw new Error('interrupted')
    takeDemoDirectory(this.#place)
    withdrawRemoval(this.#place)
    this.#logStart = this.#log().length
    const log = openSync(logOf(this.#place), 'a', 0o600)
    const flags = ['serve', '--state', state, '--listen', listen, '--driver', driver]
    const child = spawn(BERTH, flags, { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    this.#child = child
    child.once('exit', () => this.#ended.resolve())
    child.once('error', () => this.#ended.resolve())
    // Whatever ends this process, an error included, no server is left behind.
    process.once('exit', () => this.stop())
    const deadline = Date.now() + START_SECONDS * 1_000
    while (Date.now() < deadline) {
      if (!this.isRunning) throw new Error(this.lastWords())
      // What answers could be another Berth on the same port; serve.pid is this child's once the state is.
      if (servingPid(this.#place) === child.pid && (await client.isServed()) && this.isRunning) {
        noteAnswering(this.#place)
        return
      }
      await Promise.race([sleep(100), this.ended])
    }
    this.stop()
    throw new Error(`berth serve was not ready within ${START_SECONDS} s. ${this.lastWords()}`)
  }

  /** Waits until a server that another terminal started is ready. @returns false when it ends, or takes too long */
  async join(client: DemoClient): Promise<boolean> {
    const deadline = Date.now() + START_SECONDS * 1_000
    while (Date.now() < deadline && (await runningPid(this.#place)) !== null) {
      if (await client.isServed()) return true
      await sleep(100)
    }
    return false
  }

  /** All that the servers of this demo have logged. */
  log(): string {
    return this.#log().toString()
  }

  /** Asks the server to end; a second time, at once. Before the start, it keeps it from starting. */
  stop(): void {
    this.#stopped = true
    if (this.isRunning) this.#child?.kill('SIGTERM')
  }

  /** What the server said last that is not a log entry, else its last log entry. */
  lastWords(): string {
    const lines = this.#log().subarray(this.#logStart).toString().trim().split('\n')
    const said = lines.findLast((line) => !line.startsWith('{')) ?? lines.at(-1)
    return said || 'The server ended without a word.'
  }

  #log(): Buffer {
    try {
      return readFileSync(logOf(this.#place))
    } catch {
      return Buffer.alloc(0)
    }
  }
}
