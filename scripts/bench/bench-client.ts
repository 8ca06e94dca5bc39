import { Agent, request } from 'node:http'
import type { BenchServer } from './bench-server.ts'

const TIMEOUT_MS = 30_000

/** Sends requests over a bounded number of connections that stay open. */
export class BenchClient {
  readonly #server: BenchServer
  readonly #agent: Agent

  constructor(server: BenchServer, connections: number) {
    this.#server = server
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** @throws Error when the answer is not a 200 */
  async call(method: string, path: string, body = ''): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const headers = { 'x-api-key': this.#server.key, 'content-type': 'application/json' }
    const sent = request(
      `${this.#server.url}${path}`,
      { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, agent: this.#agent },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (response.statusCode === 200) resolve(JSON.parse(text))
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`))
        })
      },
    )
    sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`${method} ${path}: no answer in time`)))
    sent.on('error', reject)
    sent.end(body)
    return promise
  }

  close(): void {
    this.#agent.destroy()
  }
}
