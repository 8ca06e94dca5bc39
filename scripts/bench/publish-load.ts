import { setTimeout as sleep } from 'node:timers/promises'
import { BenchClient } from './bench-client.ts'
import { instancesPath } from './bench-objects.ts'
import type { BenchServer } from './bench-server.ts'
import { quantile, type Figures } from './figures.ts'

const CALL_SECONDS = 10

/** Matches the driver's calls with whoever waits for them. */
export class DriverCalls {
  readonly #waiting = new Map<string, (at: bigint) => void>()

  /** Takes note of a call; only the first one of an instance counts. */
  note(instance: string, at: bigint): void {
    this.#waiting.get(instance)?.(at)
    this.#waiting.delete(instance)
  }

  /** The call for an instance that has had none yet; null when there is none in time. */
  async of(instance: string): Promise<bigint | null> {
    const { promise, resolve } = Promise.withResolvers<bigint>()
    this.#waiting.set(instance, resolve)
    const enough = new AbortController()
    const late = sleep(CALL_SECONDS * 1_000, null, { signal: enough.signal }).catch(() => null)
    const at = await Promise.race([promise, late])
    enough.abort()
    this.#waiting.delete(instance)
    return at
  }
}

export interface PublishLoad {
  readonly connections: number
  readonly seconds: number
  /** Where the names of unpublished instances come from. */
  readonly names: Iterator<string>
  readonly calls: DriverCalls
}

/**
 * Publishes one instance after the other on each connection. Each takes from just before its publish is sent
 * until the driver is asked to start its machine; only then does the connection publish the next.
 */
export async function publishLoad(server: BenchServer, load: PublishLoad): Promise<Figures> {
  const client = new BenchClient(server, load.connections)
  // Connections are there before anything is measured: it is not them that it is about.
  await Promise.all(Array.from({ length: load.connections }, () => client.call('GET', '/healthz')))
  const milliseconds: number[] = []
  let errors = 0
  const cpuBefore = server.cpuMilliseconds
  const from = performance.now()
  const deadline = from + load.seconds * 1_000
  const publishOne = async (name: string) => {
    const called = load.calls.of(name)
    const sent = process.hrtime.bigint()
    const answered = client.call('POST', `${instancesPath()}/${name}/publish`)
    const [at] = await Promise.all([called, answered])
    if (at === null) throw new Error(`The driver was not asked to start ${name} within ${CALL_SECONDS} s.`)
    milliseconds.push(Number(at - sent) / 1e6)
  }
  const connection = async () => {
    while (performance.now() < deadline) {
      const next = load.names.next()
      if (next.done) return
      await publishOne(next.value).catch(() => {
        errors += 1
      })
    }
  }
  await Promise.all(Array.from({ length: load.connections }, connection))
  const seconds = (performance.now() - from) / 1_000
  client.close()
  return {
    p50: quantile(milliseconds, 0.5),
    p99: quantile(milliseconds, 0.99),
    perSecond: milliseconds.length / seconds,
    serverCpu: (server.cpuMilliseconds - cpuBefore) / milliseconds.length,
    errors,
  }
}
