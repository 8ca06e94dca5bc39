import { createServer, type AddressInfo } from 'node:net'

/**
 * A TCP port that was free a moment ago on a loopback address. Somebody else may take it first: where the
 * program under test can listen on port 0 and say which it got, use that.
 */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', reject)
  server.listen(0, address, () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
  return promise
}
