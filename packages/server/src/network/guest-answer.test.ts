import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { readGreeting } from './guest-answer.ts'

/** The greeting of who meets each connection like that. */
async function greetingOf(meet: (socket: Socket) => void): Promise<string | null> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    meet(socket)
  })
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return readGreeting({ address: '127.0.0.1', port: (server.address() as AddressInfo).port })
}

test('a greeting is read, and no more than a line of it', async () => {
  expect(await greetingOf((socket) => socket.write('SSH-2.0-test\r\n'))).toBe('SSH-2.0-test\r\n')
  expect((await greetingOf((socket) => socket.write('x'.repeat(5000))))?.length).toBe(255)
})

test('who hangs up without a word, refuses, or is silent is told apart', async () => {
  expect(await greetingOf((socket) => socket.destroy())).toBe('')
  expect(await readGreeting({ address: '127.0.0.1', port: 1 })).toBe('')
  expect(await greetingOf(() => {})).toBeNull()
})
