import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import type { RelayForward } from './relay-protocol.ts'

/**
 * Opens a forward's socket on the host, to be handed to the relay process. Nothing can be accepted or read
 * here unless the message that carries it has to wait its turn in the channel.
 * @throws Error with the system's code when the place is not free
 */
export async function openRelaySocket(forward: RelayForward): Promise<Server | UdpSocket> {
  const { address, port } = forward.listen
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (forward.protocol === 'udp') {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind({ address, port, exclusive: true }, resolve)
    await promise.catch((error: unknown) => {
      socket.close()
      throw error
    })
    return socket
  }
  const server = createServer((socket) => socket.destroy())
  server.once('error', reject)
  server.listen({ host: address, port }, resolve)
  await promise
  return server
}
