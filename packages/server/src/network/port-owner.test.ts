import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { findListener, findPortOwner, parseTcpTable } from './port-owner.ts'

// As a little-endian machine prints it: 127.0.0.1:22 listening, 10.64.0.5:80 connected, [::]:8080 and
// [::ffff:127.0.0.2]:81 listening.
const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1111 1 0 100 0 0 10 0
   1: 0500400A:0050 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2222 1 0 100 0 0 10 0
   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3333 1
   3: 0000000000000000FFFF00000200007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4444 1
nonsense
`

test('listeners are found by address and port, on the address itself or on all of them', () => {
  const entries = parseTcpTable(TABLE)
  expect(entries).toHaveLength(4)
  expect(findListener(entries, '127.0.0.1', 22)).toBe('1111')
  expect(findListener(entries, '127.0.0.2', 22)).toBeNull()
  expect(findListener(entries, '10.64.0.5', 80)).toBeNull()
  expect(findListener(entries, '127.9.9.9', 8080)).toBe('3333')
  expect(findListener(entries, '127.0.0.2', 81)).toBe('4444')
})

test('the owner of a port is this process while it listens, and nobody afterwards', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  expect(await findPortOwner('127.0.0.1', port)).toMatchObject({ pid: process.pid })
  server.close()
  await once(server, 'close')
  expect(await findPortOwner('127.0.0.1', port)).toBeNull()
})
