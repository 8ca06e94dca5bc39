import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'

test('the port can be listened on, on the address asked for', async () => {
  const port = await freePort('127.0.0.9')
  const server = createServer().listen(port, '127.0.0.9')
  await once(server, 'listening')
  expect(server.address()).toMatchObject({ address: '127.0.0.9', port })
  server.close()
})
