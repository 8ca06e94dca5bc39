import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CLOSED_POLICY } from '../../packages/server/src/network/guest-policy.ts'
import { NamespaceNetwork } from '../../packages/server/src/network/namespace-network.ts'
import { echo, guestPort, hear, NetworkBench, until } from '../support/network-bench.ts'

const bench = new NetworkBench()
const { installId, runDir, network, one, a, b } = bench

beforeAll(() => bench.setUp())
afterEach(() => bench.hangUp())
afterAll(() => bench.tearDown())

test('each direction of a forwarded connection ends by itself, and a slow reader loses nothing', async () => {
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const socket = await bench.open(port)
  const data = Buffer.alloc(8 * 1024 * 1024, 'berth')
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    socket.pause()
    setImmediate(() => socket.resume())
  })
  socket.end(data)
  await once(socket, 'end', { signal: AbortSignal.timeout(30_000) })
  expect(received).toBe('a\n'.length + data.length)
})

test('another instance of the driver keeps what is there, and adding a port disturbs no other', async () => {
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const socket = await bench.open(port)
  expect(await hear(socket)).toBe('a')
  const restarted = new NamespaceNetwork({ installId, runDir })
  const added = guestPort(9)
  await restarted.ensureProject(one)
  await restarted.ensurePort(one, added, CLOSED_POLICY)
  expect(await restarted.ensureForward(bench.sshForward('a', one, a, port))).toEqual({
    address: '127.0.0.1',
    port,
  })
  expect(await echo(socket, 'still here')).toBe('still here')
  expect(await hear(await bench.open(port))).toBe('a')
  await restarted.removePort(one, added)
  expect(await echo(socket, 'and still')).toBe('and still')
})

test('a port that somebody else holds is an error that names the holder', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const attempt = network.ensureForward(bench.sshForward('busy', one, a, port))
  await expect(attempt).rejects.toThrow(
    new RegExp(`127\\.0\\.0\\.1:${port} is in use by .+ \\(pid ${process.pid}\\)`),
  )
  await expect(attempt).rejects.toMatchObject({ name: 'HostError', retryable: true })
  server.close()
  await network.removeForward('busy/ssh')
})

test('the relay and its connections survive kill -9 of the server that started it', async () => {
  for (const id of ['a/ssh', 'far/ssh', 'never/ssh']) await network.removeForward(id)
  await network.shutdownIdle()
  const script = join(bench.directory, 'server.ts')
  const driver = new URL('../../packages/server/src/network/namespace-network.ts', import.meta.url).pathname
  const forward = bench.sshForward('a', one, a)
  writeFileSync(
    script,
    `import { NamespaceNetwork } from ${JSON.stringify(driver)}
     const network = new NamespaceNetwork(${JSON.stringify({ installId, runDir })})
     console.log(JSON.stringify(await network.ensureForward(${JSON.stringify(forward)})))
     setInterval(() => {}, 1000)`,
  )
  const server = bench.start(process.execPath, [script])
  const [line] = (await once(server.stdout ?? server, 'data', { signal: AbortSignal.timeout(30_000) })) as [
    Buffer,
  ]
  const { port } = JSON.parse(line.toString()) as { port: number }
  const socket = await bench.open(port)
  expect(await hear(socket)).toBe('a')
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
  expect(await echo(socket, 'alive')).toBe('alive')
  expect(await network.ensureForward(forward)).toEqual({ address: '127.0.0.1', port })
  expect(await hear(await bench.open(port))).toBe('a')
})

test('a relay process that dies is replaced on the same port', async () => {
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const [child] = await bench.relayPids('one')
  process.kill(child ?? 0, 'SIGKILL')
  await until(
    'the forward answers again',
    async () => (await hear(await bench.open(port)).catch(() => '')) === 'a',
  )
  expect(await bench.relayPids('one')).not.toEqual([child])
})

test('when the relay dies its processes and listeners go, and two servers at once start one new relay', async () => {
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const [supervisor] = await bench.relayPids()
  process.kill(supervisor ?? 0, 'SIGKILL')
  await until('no relay process is left', async () => (await bench.relayPids('one')).length === 0)
  await expect(bench.open(port)).rejects.toThrow('ECONNREFUSED')
  const servers = [network, new NamespaceNetwork({ installId, runDir })]
  const wanted = [bench.sshForward('a', one, a, port), bench.sshForward('b', one, b)]
  const places = await Promise.all(servers.map((server, i) => server.ensureForward(wanted[i] ?? wanted[0]!)))
  expect(places[0]?.port).toBe(port)
  expect(await hear(await bench.open(port))).toBe('a')
  expect(await hear(await bench.open(places[1]?.port ?? 0))).toBe('b')
  await until('one relay is left', async () => (await bench.relayPids()).length === 1)
  await network.removeForward('b/ssh')
})

test('a drained relay gives way at once and carries its connections to their end', async () => {
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const socket = await bench.open(port)
  expect(await hear(socket)).toBe('a')
  const [old] = await bench.relayPids()
  const control = connect(join(runDir, 'relay.sock')).end('{"op":"drain"}\n')
  await once(control, 'data')
  expect(await network.ensureForward(bench.sshForward('a', one, a, port))).toEqual({
    address: '127.0.0.1',
    port,
  })
  expect(await hear(await bench.open(port))).toBe('a')
  expect(await echo(socket, 'old')).toBe('old')
  expect(await bench.relayPids()).toContain(old)
  socket.end()
  await until('the old relay has ended', async () => !(await bench.relayPids()).includes(old ?? 0))
})
