import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { LineSocket } from './line-socket.ts'

let server: Server | undefined
const peers: Socket[] = []

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy()
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = undefined
})

/** Connects to a peer that does what `talk` says with its end. */
async function connect(talk: (peer: Socket) => void, maxLine = 4 << 20): Promise<LineSocket> {
  const path = join(await tempDir(), 'peer.sock')
  server = createServer((peer) => {
    peers.push(peer)
    peer.on('error', () => {})
    talk(peer)
  })
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  return await LineSocket.connect(path, 2000, maxLine)
}

test('lines come whole, in order, however they were cut on the way', async () => {
  const socket = await connect((peer) => {
    for (const piece of ['on', 'e\n\ntw', 'o\nthr', 'ee\n']) peer.write(piece)
  })
  const lines = []
  for (let count = 0; count < 4; count += 1) lines.push((await socket.nextLine(Date.now() + 2000)).toString())
  expect(lines).toEqual(['one', '', 'two', 'three'])
  socket.close()
})

test('a peer that sends nothing but line feeds keeps neither the event loop nor its reader', async () => {
  const flood = Buffer.alloc(1 << 20, '\n')
  const socket = await connect((peer) => {
    const more = (): void => {
      while (!peer.destroyed && peer.write(flood));
    }
    peer.on('drain', more)
    more()
  })
  let turns = 0
  const timer = setInterval(() => (turns += 1), 10)
  const deadline = Date.now() + 300
  await expect(
    (async () => {
      for (;;) await socket.nextLine(deadline)
    })(),
  ).rejects.toThrow('did not answer in time')
  clearInterval(timer)
  socket.close()
  expect(turns).toBeGreaterThan(5)
})

test('a line that comes byte by byte costs time in proportion to its length', async () => {
  const length = 300_000
  const socket = await connect((peer) => {
    let sent = 0
    const more = (): void => {
      // Each write of its own is a piece of its own for the reader, as long as the reader keeps up.
      for (let count = 0; count < 50 && sent < length; count += 1, sent += 10) peer.write('x'.repeat(10))
      if (sent < length) setImmediate(more)
      else peer.write('\n')
    }
    more()
  })
  const before = process.cpuUsage()
  const line = await socket.nextLine(Date.now() + 15_000)
  const { user, system } = process.cpuUsage(before)
  socket.close()
  expect(line.length).toBe(length)
  expect((user + system) / 1e6).toBeLessThan(5)
})

test('a line that is too long ends the connection', async () => {
  const socket = await connect((peer) => peer.write('x'.repeat(200)), 100)
  await expect(socket.nextLine(Date.now() + 2000)).rejects.toThrow('a line longer than 100 bytes')
})
