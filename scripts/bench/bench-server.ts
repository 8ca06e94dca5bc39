import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { freePort } from '../../test/support/free-port.ts'
import { DRIVER_CALLS_FD } from './driver-calls.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')
const PRELOAD = pathToFileURL(join(import.meta.dirname, 'driver-calls-preload.ts')).href
const START_SECONDS = 60
const STOP_SECONDS = 10
const LOOK_EVERY_MS = 5
/** Ticks of /proc/PID/stat in a second: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Room for every object, so that no deployment waits for another one. */
const HOST = { vcpus: 10_000_000, memoryMib: 2 ** 40 }
const GUEST_NETWORK = '10.64.0.0/16'

export interface BenchServerOptions {
  readonly state: string
  /**
   * Called with an instance's name, and the nanoseconds of the monotonic clock, when the driver is asked to
   * start its machine. Every such start fails on order, so that guests which already boot do not compete
   * with deployments that are still measured.
   */
  readonly onDriverCall?: (instance: string, at: bigint) => void
}

/** A `berth serve` of its own, as an operator would start it. */
export class BenchServer {
  readonly url: string
  readonly key: string
  /** From starting the process to the first 200 of /readyz. */
  readonly startMilliseconds: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string, key: string, startMilliseconds: number) {
    this.#child = child
    this.url = url
    this.key = key
    this.startMilliseconds = startMilliseconds
  }

  /** @throws Error with the server's own words when it is not ready in time */
  static async start({ state, onDriverCall }: BenchServerOptions): Promise<BenchServer> {
    mkdirSync(state, { recursive: true, mode: 0o711 })
    const listen = `127.0.0.1:${await freePort()}`
    const simulated = { ...HOST, ...(onDriverCall ? { failures: [{ instance: '*', at: 'start' }] } : {}) }
    const env = {
      ...process.env,
      BERTH_SIMULATED: JSON.stringify(simulated),
      ...(onDriverCall ? { NODE_OPTIONS: `--import ${PRELOAD}` } : {}),
    }
    const flags = ['--driver', 'simulated', '--state', state, '--listen', listen, '--log-level', 'silent']
    const log = openSync(join(state, 'bench.log'), 'a', 0o600)
    const from = performance.now()
    const child = spawn(BERTH, ['serve', ...flags, '--guest-network', GUEST_NETWORK], {
      stdio: ['ignore', log, log, onDriverCall ? 'pipe' : 'ignore'],
      env,
    })
    closeSync(log)
    if (onDriverCall) listenToCalls(child.stdio[DRIVER_CALLS_FD] as Readable, onDriverCall)
    const url = `http://${listen}`
    try {
      await untilReady(child, url)
    } catch (error) {
      child.kill('SIGKILL')
      const words = readFileSync(join(state, 'bench.log'), 'utf8').slice(-2_000)
      throw new Error(`berth serve did not become ready within ${START_SECONDS} s. ${words}`, {
        cause: error,
      })
    }
    const took = performance.now() - from
    return new BenchServer(child, url, readFileSync(join(state, 'admin.key'), 'utf8').trim(), took)
  }

  /** Physical memory of the process (VmRSS), in MiB. */
  get residentMib(): number {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')) ?? []
    return Number(kib) / 1024
  }

  /** Processor time that the process has used so far, in milliseconds (proc(5): utime and stime). */
  get cpuMilliseconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    // The second field is the program's name in brackets, and may hold blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_SECONDS * 1_000)
    await ended
    clearTimeout(late)
  }
}

function listenToCalls(stream: Readable, onDriverCall: (instance: string, at: bigint) => void): void {
  createInterface(stream).on('line', (line) => {
    const [instance = '', at = '0'] = line.split(' ')
    onDriverCall(instance, BigInt(at))
  })
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + START_SECONDS * 1_000
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`It ended with exit code ${child.exitCode}.`)
    if (await isReady(url)) return
    await sleep(LOOK_EVERY_MS)
  }
  throw new Error('Time is up.')
}

async function isReady(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  get(`${url}/readyz`, { timeout: 5_000, agent: false }, (response) => {
    response.resume()
    resolve(response.statusCode === 200)
  }).on('error', () => resolve(false))
  return promise
}
