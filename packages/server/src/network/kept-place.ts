import { createServer, type Server } from 'node:net'
import type { RelayForward, RelayOpenForward } from './relay-protocol.ts'

/**
 * A TCP place that the relay keeps from others, by listening there and hanging up on whoever comes. Being
 * bound would not do: several sockets may be bound to one place as long as none of them listens.
 */
export class KeptPlace {
  readonly forward: RelayOpenForward
  readonly #server: Server

  private constructor(forward: RelayOpenForward, server: Server) {
    this.forward = forward
    this.#server = server
  }

  /** @throws Error with the system's code when it is not free */
  static async take({ gate: _gate, ...forward }: RelayForward): Promise<KeptPlace> {
    const server = createServer((socket) => socket.destroy())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen({ host: forward.listen.address, port: forward.listen.port }, resolve)
    await promise
    server.on('error', () => {})
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : forward.listen.port
    return new KeptPlace({ ...forward, listen: { address: forward.listen.address, port } }, server)
  }

  async release(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}
