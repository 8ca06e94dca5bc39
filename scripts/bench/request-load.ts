import autocannon from 'autocannon'
import type { BenchServer } from './bench-server.ts'
import { quantile, type Figures } from './figures.ts'

/** A request as it is sent next; called for each. */
export type NextRequest = () => {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

export interface RequestLoad {
  readonly connections: number
  readonly seconds: number
  readonly next: NextRequest
}

/** Sends one request after the other on each connection, as fast as answers come. */
export async function requestLoad(server: BenchServer, load: RequestLoad): Promise<Figures> {
  const milliseconds: number[] = []
  let answers = 0
  let errors = 0
  const headers = { 'x-api-key': server.key, 'content-type': 'application/json' }
  const cpuBefore = server.cpuMilliseconds
  const from = performance.now()
  let until = from
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const options = {
    url: server.url,
    connections: load.connections,
    duration: load.seconds,
    sampleInt: 100,
    requests: [{ setupRequest: (request: autocannon.Request) => ({ ...request, ...load.next(), headers }) }],
  }
  const instance = autocannon(options, (error: Error | null) => (error ? reject(error) : resolve()))
  const connected = new WeakSet<object>()
  // Its own histogram knows whole milliseconds only.
  instance.on('response', (client, status, _bytes, took) => {
    until = performance.now()
    answers += 1
    if (status !== 200) errors += 1
    // The first answer on a connection has waited for the connection as well.
    else if (connected.has(client)) milliseconds.push(took)
    connected.add(client)
  })
  instance.on('reqError', () => {
    errors += 1
  })
  await done
  return {
    p50: quantile(milliseconds, 0.5),
    p99: quantile(milliseconds, 0.99),
    perSecond: (answers * 1_000) / (until - from),
    serverCpu: (server.cpuMilliseconds - cpuBefore) / answers,
    errors,
  }
}
