import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
beforeAll(async () => {
  server = await startSimulated(await tempDir())
})
afterAll(() => server.stop())

async function open({ api }: SimulatedServer): Promise<Socket> {
  const { hostname, port } = new URL(api.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  return socket
}

/** What the server says until it closes the connection. */
async function everythingFrom(socket: Socket): Promise<string> {
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}

async function answerTo(request: string): Promise<{ status: number; id: string | undefined; body: unknown }> {
  const socket = await open(server)
  socket.write(request)
  const [head = '', body = ''] = (await everythingFrom(socket)).split('\r\n\r\n')
  const id = /^x-request-id: (\S+)$/im.exec(head)?.[1]
  return { status: Number(head.split(' ')[1]), id, body: JSON.parse(body) }
}

const HEAD = 'HTTP/1.1\r\nHost: berth\r\nConnection: close\r\n'
const API = '/apis/paas.envmgmt.io/v1/projects/defaultproject'

test.each([
  [200, 'a good request', `GET /healthz ${HEAD}\r\n`],
  [400, 'a malformed percent-encoding', `GET /%zz ${HEAD}\r\n`],
  [400, 'bytes that are no UTF-8 in a path', `GET ${API}/workspaces/%ff ${HEAD}\r\n`],
  [400, 'a name in the path that is too long', `GET ${API}/workspaces/${'x'.repeat(2_000)} ${HEAD}\r\n`],
  [400, 'no Host header', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
  [400, 'no HTTP', 'GARBAGE\r\n\r\n'],
  [400, 'an unknown method', `BREW / ${HEAD}\r\n`],
  [400, 'two lengths', `POST / ${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`],
  [400, 'a broken chunk', `POST /healthz ${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  [401, 'no key', `GET ${API}/workspaces ${HEAD}\r\n`],
  [404, 'no such path', `GET /nowhere ${HEAD}\r\n`],
  [404, 'no such method', `OPTIONS * ${HEAD}\r\n`],
  [200, 'an expectation that nobody knows', `GET /healthz ${HEAD}Expect: tea\r\n\r\n`],
  [431, 'headers that are too large', `GET /healthz ${HEAD}X-Filler: ${'x'.repeat(20_000)}\r\n\r\n`],
])('%i for %s has a request id, and our shape where it is an error', async (status, _what, request) => {
  const answer = await answerTo(request)
  expect(answer.status).toBe(status)
  expect(answer.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(answer.body).toMatchObject(status < 400 ? {} : { code: status })
})

test('a client’s own id is kept on an answer that the router gives', async () => {
  expect((await answerTo(`GET /%zz ${HEAD}X-Request-Id: mine-1\r\n\r\n`)).id).toBe('mine-1')
})

test('a request that is under way when the server ends is answered as any other', async () => {
  const ending = await startSimulated(await tempDir())
  const socket = await open(ending)
  socket.write('GET /healthz HTTP/1.1\r\nHost: berth\r\n')
  const answered = await fetch(`${ending.api.url}/healthz`, { headers: { connection: 'close' } })
  expect(answered.status).toBe(200)
  const stopped = ending.stop()
  socket.write('\r\n')
  expect(await everythingFrom(socket)).toMatch(/^HTTP\/1.1 200 OK\r\nConnection: close\r\n.*x-request-id/is)
  await stopped
})
