import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { maxQmpReply, QmpClient, type QmpEvent } from './qmp-client.ts'

let directory: string
let path: string
let server: Server | undefined
const sockets = new Set<Socket>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qmp-'))
  path = join(directory, 'qmp.sock')
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = undefined
  await rm(directory, { recursive: true })
})

const greeting = '{"QMP":{"version":{},"capabilities":[]}}\n'

interface Command {
  readonly execute: string
  readonly id: number
}

/** Listens, greets, and answers each command with what `answer` says; undefined stays silent. */
async function serve(answer: (command: Command) => string | undefined, greets = greeting): Promise<void> {
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(greets)
    socket.on('data', (data: Buffer) => {
      for (const line of data.toString().trim().split('\n')) {
        const reply = answer(JSON.parse(line) as Command)
        if (reply !== undefined) socket.write(reply)
      }
    })
  })
  await new Promise<void>((resolve) => server!.listen(path, resolve))
}

/** Accepts the handshake and leaves the rest to `answer`. */
async function serveCommands(answer: (command: Command) => string | undefined): Promise<void> {
  await serve((command) => (command.execute === 'qmp_capabilities' ? ok(command, {}) : answer(command)))
}

function ok(command: Command, value: unknown): string {
  return `${JSON.stringify({ return: value, id: command.id })}\n`
}

async function connect(onEvent: (event: QmpEvent) => void = () => {}): Promise<QmpClient> {
  return await QmpClient.connect(path, { timeoutMs: 2000, onEvent })
}

test('commands get their own answers, one after the other', async () => {
  let open = 0
  await serveCommands((command) => {
    open += 1
    expect(open).toBe(1)
    open -= 1
    return ok(command, command.execute)
  })
  const client = await connect()
  const answers = await Promise.all(['a', 'b', 'c'].map((name) => client.execute(name)))
  expect(answers).toEqual(['a', 'b', 'c'])
  client.close()
})

test('events between a command and its answer are passed on', async () => {
  await serveCommands((command) => `{"event":"RESET","data":{"guest":true}}\n${ok(command, 1)}`)
  const events: QmpEvent[] = []
  const client = await connect((event) => events.push(event))
  expect(await client.execute('query-status')).toBe(1)
  expect(events).toEqual([{ name: 'RESET', data: { guest: true } }])
  client.close()
})

test('a refusal is an error, and the connection goes on', async () => {
  await serveCommands((command) =>
    command.execute === 'bad'
      ? `{"id":${command.id},"error":{"class":"GenericError","desc":"no \\u001b[31msuch thing"}}\n`
      : ok(command, 'fine'),
  )
  const client = await connect()
  await expect(client.execute('bad')).rejects.toThrow('QEMU refused bad: no such thing')
  expect(await client.execute('good')).toBe('fine')
  client.close()
})

test.each([
  ['garbage', () => 'no json\n'],
  ['a list', () => '[]\n'],
  ['the wrong id', () => '{"return":{},"id":99}\n'],
  ['an oversized line', () => `{"return":"${'x'.repeat(maxQmpReply + 10)}"}\n`],
  ['an oversized line that does not end', () => 'x'.repeat(maxQmpReply + 10)],
])('%s is an error that ends the connection', async (_, answer) => {
  await serveCommands(answer)
  const client = await connect()
  await expect(client.execute('query-status')).rejects.toThrow(HostError)
  await expect(client.execute('query-status')).rejects.toThrow('the connection is closed')
})

test('a late answer is an error', async () => {
  await serveCommands(() => undefined)
  const client = await connect()
  await expect(client.execute('query-status', undefined, 50)).rejects.toThrow('did not answer in time')
})

test('a peer that hangs up is an error', async () => {
  await serveCommands(() => {
    for (const socket of sockets) socket.destroy()
    return undefined
  })
  const client = await connect()
  await expect(client.execute('quit')).rejects.toThrow(HostError)
})

test.each([
  ['says nothing', ''],
  ['speaks something else', 'SSH-2.0-OpenSSH\n'],
  ['greets wrongly', '{"hello":1}\n'],
])('no connection to a peer that %s', async (_, greets) => {
  await serve(() => undefined, greets)
  await expect(QmpClient.connect(path, { timeoutMs: 100 })).rejects.toThrow(HostError)
})

test('no connection where nobody listens', async () => {
  await expect(QmpClient.connect(path, { timeoutMs: 100 })).rejects.toThrow('There is no ')
})
