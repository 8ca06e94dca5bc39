import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
} from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CertificateAuthority,
  makeAuthority,
} from '../../packages/server/src/certificates/certificate-authority.ts'
import { webFiles } from '../../packages/server/src/drivers/qemu/application/web-files.ts'
import { startNginx, type DebianNginx } from '../support/debian-nginx.ts'
import { freePort } from '../support/free-port.ts'

// The web server that a guest has, without the guest: what clients and the application see of each other through it,
// with a port forward in front.

interface Seen {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let application: Server
let root: string
const firstPieceSeen = Promise.withResolvers<void>()
const servers: DebianNginx[] = []
const forwards: TcpServer[] = []
/** Where clients come, by what answers there: with a certificate, without one, and with a few paths only. */
const ports = { tls: 0, plain: 0, paths: 0 }
/** Where the guest itself answers. */
const own = { tls: 0, plain: 0, paths: 0 }

beforeAll(async () => {
  application = createServer((request, response) => void answerTo(request, response))
  application.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  const { port: containerPort } = application.address() as AddressInfo

  const authority = await CertificateAuthority.open(await makeAuthority('abc123', Date.now()))
  root = authority.root
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const chain = await authority.issue(publicKey, ['notebook.example.org', '127.0.0.1'], Date.now())
  const tls = { chain, root, name: 'notebook.example.org' }
  for (const kind of ['tls', 'plain', 'paths'] as const) {
    own[kind] = await freePort()
    const web = { port: own[kind], containerPort, tls: kind === 'tls' ? tls : null }
    const files = webFiles(kind === 'paths' ? { ...web, paths: ['/v1/'] } : web)
    servers.push(await startNginx(files, own[kind], privateKey))
    ports[kind] = await forwardTo(own[kind])
  }
})
afterAll(async () => {
  for (const forward of forwards) forward.close()
  for (const server of servers) await server.stop()
  application.closeAllConnections()
  application.close()
})

/** Answers what the application is told, as JSON, or in two pieces with something that happens in between. */
async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const { url = '', headers } = request
  if (url === '/stream') {
    response.write('one')
    await firstPieceSeen.promise
  }
  response.end(JSON.stringify({ url, headers, body } satisfies Seen))
}

/** As a port forward does: another port, the same bytes. */
async function forwardTo(port: number): Promise<number> {
  const server = createTcpServer((client) => {
    const guest = connect(port, '127.0.0.1')
    client.pipe(guest).pipe(client)
    for (const socket of [client, guest]) socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  forwards.push(server)
  return (server.address() as AddressInfo).port
}

/** Sends bytes and reads the whole answer. */
async function raw(port: number, request: string, overTls = false): Promise<string> {
  const socket = overTls
    ? connectTls({ port, host: '127.0.0.1', ca: root, ALPNProtocols: ['http/1.1'] })
    : connect(port, '127.0.0.1')
  socket.write(request)
  return text(socket)
}

const asking = (host: string, path = '/a?b=c') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
const statusOf = (answer: string) => Number(answer.split(' ')[1])
const locationOf = (answer: string) => /^Location: (.*)\r$/im.exec(answer)?.[1]

/** What the application was told of a request. */
function toldBy(answer: string): Seen {
  const body = answer.slice(answer.indexOf('{"url"'), answer.lastIndexOf('}') + 1)
  return JSON.parse(body) as Seen
}

function placeIn({ headers }: Seen) {
  const forwarded = (what: string) => headers[`x-forwarded-${what}`]
  return { host: headers.host, at: forwarded('host'), port: forwarded('port'), by: forwarded('proto') }
}

test('plain HTTP to a port with a certificate is shown the way by the port that the client used', async () => {
  for (const [host, place] of [
    [`127.0.0.1:${ports.tls}`, `127.0.0.1:${ports.tls}`],
    ['notebook.example.org:8443', 'notebook.example.org:8443'],
    ['[::1]:8443', '[::1]:8443'],
    // Whoever names none came to 80.
    ['notebook.example.org', 'notebook.example.org:80'],
    ['[::1]', '[::1]:80'],
  ] as const) {
    const redirected = await raw(ports.tls, asking(host))
    expect(statusOf(redirected), host).toBe(308)
    expect(locationOf(redirected)).toBe(`https://${place}/a?b=c`)
  }
  const followed = await raw(ports.tls, asking(`127.0.0.1:${ports.tls}`), true)
  expect(statusOf(followed)).toBe(200)
})

test('the application is told host and port as the client sent them', async () => {
  const tls = async (host: string) => placeIn(toldBy(await raw(ports.tls, asking(host), true)))
  const plain = async (host: string) => placeIn(toldBy(await raw(ports.plain, asking(host))))
  const forwarded = `127.0.0.1:${ports.tls}`
  const place = (host: string, port: string | number, by: string) => ({
    host,
    at: host,
    port: String(port),
    by,
  })
  expect(await tls(forwarded)).toEqual(place(forwarded, ports.tls, 'https'))
  expect(await tls('notebook.example.org')).toEqual(place('notebook.example.org', 443, 'https'))
  expect(await tls('[::1]:8443')).toEqual(place('[::1]:8443', 8443, 'https'))
  expect(await tls('[::1]')).toEqual(place('[::1]', 443, 'https'))
  expect(await plain(`127.0.0.1:${ports.plain}`)).toEqual(
    place(`127.0.0.1:${ports.plain}`, ports.plain, 'http'),
  )
  expect(await plain('my_host.example')).toEqual(place('my_host.example', 80, 'http'))
})

test('a request that names no host is told where it came to', async () => {
  const answered = await raw(ports.plain, 'GET /a HTTP/1.0\r\n\r\n')
  const here = `127.0.0.1:${own.plain}`
  expect(placeIn(toldBy(answered))).toEqual({ host: here, at: here, port: String(own.plain), by: 'http' })
  expect(statusOf(await raw(ports.tls, 'GET /a HTTP/1.0\r\n\r\n'))).toBe(400)
})

test.each([
  'a"b',
  'a<script>',
  'user@host',
  'a,b',
  'host:port',
  'host:123456',
  '[::1',
  '$host',
  'a;b',
  'a:80:80',
  'ä.example',
])('the host %j is answered 400 and reaches nobody', async (host) => {
  for (const answered of [
    await raw(ports.tls, asking(host), true),
    await raw(ports.plain, asking(host)),
    await raw(ports.tls, asking(host)),
  ]) {
    expect(statusOf(answered)).toBe(400)
    expect(answered).not.toContain('"url"')
    expect(locationOf(answered)).toBeUndefined()
  }
})

test('a redirect of the web server’s own names no host and no port', async () => {
  const redirected = await raw(ports.paths, asking(`127.0.0.1:${ports.paths}`, '/v1'))
  expect(statusOf(redirected)).toBe(301)
  expect(locationOf(redirected)).toBe('/v1/')
})

test('HTTP/2 is spoken with who offers it, and the application is told the same', async () => {
  const session = connectHttp2(`https://127.0.0.1:${ports.tls}`, { ca: root })
  await once(session, 'connect')
  expect((session.socket as TLSSocket).alpnProtocol).toBe('h2')
  const body = 'x'.repeat(300_000)
  const request = session.request({ ':method': 'POST', ':path': '/post?a=1' })
  request.end(body)
  const [headers] = (await once(request, 'response')) as [Record<string, unknown>]
  expect(headers[':status']).toBe(200)
  const seen = JSON.parse(await text(request)) as Seen
  const place = `127.0.0.1:${ports.tls}`
  expect(placeIn(seen)).toEqual({ host: place, at: place, port: String(ports.tls), by: 'https' })
  expect(seen).toMatchObject({ url: '/post?a=1', body })
  const hostile = session.request({ ':authority': 'a"b', ':path': '/' })
  const [refused] = (await once(hostile, 'response')) as [Record<string, unknown>]
  expect(refused[':status']).toBe(400)
  session.close()
})

test('an answer that comes in pieces is passed on piece by piece, by HTTP/2 too', async () => {
  const session = connectHttp2(`https://127.0.0.1:${ports.tls}`, { ca: root })
  const request = session.request({ ':path': '/stream' })
  expect(String((await once(request, 'data'))[0])).toBe('one')
  firstPieceSeen.resolve()
  expect(await text(request)).toContain('/stream')
  session.close()
})

test('a websocket is opened on the same port', async () => {
  const socket = connectTls({ port: ports.tls, host: '127.0.0.1', ca: root, ALPNProtocols: ['http/1.1'] })
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${ports.tls}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
  )
  const [switched] = (await once(socket, 'data')) as [Buffer]
  expect(statusOf(String(switched))).toBe(101)
  socket.write('ping')
  expect(String((await once(socket, 'data'))[0])).toBe('ping')
  socket.destroy()
})
