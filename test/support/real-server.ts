import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CensusEntry } from '@berth/contract/host/census'
import { ApiClient } from './api-client.ts'
import { berthWith, type CommandEnd } from './berth-command.ts'
import { countedBoots } from './boot-budget.ts'
import { freePort } from './free-port.ts'
import { waitFor } from './wait-for.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')
const CRASH_PRELOAD = JSON.stringify(join(import.meta.dirname, 'crash-preload.ts'))
const run = promisify(execFile)

/** A `berth serve` process with real guests, which tests kill and start again. */
export class RealServer {
  readonly state: string
  readonly #listen: string
  readonly #settings: Readonly<Record<string, string>>
  #process: ChildProcess | undefined

  private constructor(state: string, listen: string, settings: Readonly<Record<string, string>>) {
    this.state = state
    this.#listen = listen
    this.#settings = settings
  }

  /**
   * Starts a server on an empty or an earlier one's STATE and waits until it is ready.
   * @param settings as variables, such as BERTH_REGISTRY_MIRROR
   */
  static async start(state: string, settings: Readonly<Record<string, string>> = {}): Promise<RealServer> {
    const server = new RealServer(state, `127.0.0.1:${await freePort()}`, settings)
    await server.start()
    return server
  }

  get api(): ApiClient {
    return new ApiClient(`http://${this.#listen}`, readFileSync(join(this.state, 'admin.key'), 'utf8').trim())
  }

  /** Where the server's log goes; one file over all its lives. */
  get log(): string {
    return join(this.state, 'test-serve.log')
  }

  async start(): Promise<void> {
    const child = this.#spawn(countedBoots())
    await waitFor(
      async () => {
        if (child.exitCode !== null) return { exited: child.exitCode }
        return (await fetch(`http://${this.#listen}/readyz`)).ok
      },
      { deadlineSeconds: 60, what: `the server on ${this.state} to be ready` },
    )
    if (child.exitCode !== null) {
      throw new Error(`The server ended: ${readFileSync(this.log, 'utf8').slice(-2_000)}`)
    }
  }

  /** Starts a server that dies as by kill -9 when it comes to the named point, and waits until it has. */
  async startAndDieAt(point: string, deadlineSeconds = 30): Promise<void> {
    const counted = countedBoots()
    const child = this.#spawn({
      ...counted,
      NODE_OPTIONS: `${counted['NODE_OPTIONS'] ?? ''} --import=${CRASH_PRELOAD}`,
      BERTH_TEST_CRASH_AT: point,
    })
    await waitFor(() => child.signalCode === 'SIGKILL', {
      deadlineSeconds,
      what: `the server to die at ${point}`,
    })
  }

  #spawn(environment: NodeJS.ProcessEnv): ChildProcess {
    const log = openSync(this.log, 'a', 0o600)
    const flags = ['serve', '--state', this.state, '--listen', this.#listen, '--log-level', 'debug']
    this.#process = spawn(BERTH, flags, {
      stdio: ['ignore', log, log],
      env: { ...environment, ...this.#settings },
    })
    closeSync(log)
    return this.#process
  }

  /** Holds the process still, as a machine that is too busy would. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** kill -9, as a crash would end it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Everything that the installation has on this host, running or not. */
  async census(): Promise<CensusEntry[]> {
    const env = { ...process.env, ...this.#settings }
    const { stdout } = await run(BERTH, ['census', '--json', '--state', this.state], { env })
    return JSON.parse(stdout) as CensusEntry[]
  }

  /** Runs another `berth` command with the server's state directory and settings until it ends. */
  async berth(...words: string[]): Promise<CommandEnd> {
    return berthWith(this.#settings, ...words, '--state', this.state)
  }

  /** Deletes what is left and ends the server; for the end of a test, whatever became of it. */
  async clean(): Promise<void> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) await this.start()
    const { api } = this
    const { body } = await api.call('GET', 'workspaces/default/computeinstances')
    for (const { metadata } of body.items)
      await api.call('DELETE', `workspaces/default/computeinstances/${metadata.name}`)
    for (const { metadata } of body.items) await api.waitUntilGone(metadata.name, 60)
    await this.stop()
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
}
