import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands before a registry and can hold back what is large. */
export interface StallingProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Lets everything pass, what was held back included. */
  release(): void
  stop(): Promise<void>
}

/** Passes answers on up to `bytes` of each body; the rest waits for `release`. */
export async function startStallingProxy(registry: string, bytes: number): Promise<StallingProxy> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const server = createServer((incoming, outgoing) => {
    forward(registry, incoming, outgoing, bytes, released).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    release,
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function forward(
  registry: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  bytes: number,
  released: Promise<void>,
): Promise<void> {
  const [host, port] = registry.split(':')
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const { method, url, headers } = incoming
    request({ host, port, method, path: url, headers }, resolve).on('error', reject).end()
  })
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  let sent = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (sent + chunk.length > bytes) {
      const rest = Math.max(0, bytes - sent)
      outgoing.write(chunk.subarray(0, rest))
      await released
      outgoing.write(chunk.subarray(rest))
    } else outgoing.write(chunk)
    sent += chunk.length
  }
  outgoing.end()
}
