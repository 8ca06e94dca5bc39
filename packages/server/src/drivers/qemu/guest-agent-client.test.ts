import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { HostError } from '@berth/contract/host/host-error'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { changeAccess } from './access-change.ts'
import { GuestAgentClient, maxAgentReply } from './guest-agent-client.ts'

let directory: string
let path: string
let server: Server | undefined
const sockets = new Set<Socket>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qga-'))
  path = join(directory, 'agent.sock')
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = undefined
  await rm(directory, { recursive: true })
})

interface Command {
  readonly execute: string
  readonly arguments: Record<string, unknown>
}

/** An agent that first sends `stale`, then synchronizes, then answers with what `answer` says. */
async function serve(answer: (command: Command) => string | undefined, stale = ''): Promise<Command[]> {
  const seen: Command[] = []
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(stale)
    let pending = ''
    socket.on('data', (data: Buffer) => {
      pending += data.toString('latin1').replaceAll('\u00ff', '')
      const lines = pending.split('\n')
      pending = lines.pop() ?? ''
      for (const line of lines) {
        const command = JSON.parse(line) as Command
        if (command.execute === 'guest-sync-delimited') {
          socket.write(Buffer.from([0xff]))
          socket.write(`{"return": ${String(command.arguments['id'])}}\n`)
          continue
        }
        seen.push(command)
        const reply = answer(command)
        if (reply !== undefined) socket.write(reply)
      }
    })
  })
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  return seen
}

function ok(value: unknown): string {
  return `${JSON.stringify({ return: value })}\n`
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

test('what an earlier client left unread is skipped', async () => {
  await serve(() => ok({}), '{"return": {"pid": 7}}\nnoise\n')
  const agent = await GuestAgentClient.connect(path, 2000)
  await expect(agent.ping()).resolves.toBeUndefined()
  agent.close()
})

test('a program runs with its words and its input apart', async () => {
  let polls = 0
  const seen = await serve(({ execute }) => {
    if (execute === 'guest-exec') return ok({ pid: 12 })
    polls += 1
    if (polls < 3) return ok({ exited: false })
    return ok({ exited: true, exitcode: 3, 'out-data': base64('öut'), 'err-data': base64('err') })
  })
  const agent = await GuestAgentClient.connect(path, 2000)
  const result = await agent.exec(['cat', 'a b', '$(id)'], { input: 'sécret\n' })
  expect(result).toEqual({ exitCode: 3, stdout: 'öut', stderr: 'err' })
  expect(seen[0]?.arguments).toEqual({
    path: 'cat',
    arg: ['a b', '$(id)'],
    'input-data': base64('sécret\n'),
    'capture-output': true,
  })
  agent.close()
})

test('a program that does not end is an error', async () => {
  await serve(({ execute }) => (execute === 'guest-exec' ? ok({ pid: 12 }) : ok({ exited: false })))
  const agent = await GuestAgentClient.connect(path, 2000)
  await expect(agent.exec(['sleep', '9'], { timeoutMs: 50 })).rejects.toThrow('did not end in time')
  agent.close()
})

test('a file is written in pieces', async () => {
  const content = 'ä'.repeat(40_000)
  const seen = await serve(({ execute }) => ok(execute === 'guest-file-open' ? 1000 : {}))
  const agent = await GuestAgentClient.connect(path, 2000)
  await agent.writeFile('/etc/x', content)
  const written = seen.flatMap((command) => (command.arguments['buf-b64'] as string | undefined) ?? [])
  expect(Buffer.concat(written.map((text) => Buffer.from(text, 'base64'))).toString()).toBe(content)
  expect(seen.at(-1)?.execute).toBe('guest-file-close')
  agent.close()
})

test('a password travels as a hash', async () => {
  const seen = await serve(() => ok({}))
  const agent = await GuestAgentClient.connect(path, 2000)
  await agent.setPasswordHash('berth', '$6$s$h')
  expect(seen[0]?.arguments).toEqual({ username: 'berth', password: base64('$6$s$h'), crypted: true })
  agent.close()
})

test.each([
  { class: 'CommandNotFound', desc: 'The command guest-exec has not been found' },
  { class: 'CommandNotFound', desc: 'Command guest-exec has been disabled: the command is not allowed' },
  { class: 'GenericError', desc: 'The command guest-exec has been disabled for this instance' },
])('an agent that may not run a program ($class) is told from one that fails', async (error) => {
  const seen = await serve(() => `${JSON.stringify({ error })}\n`)
  const agent = await GuestAgentClient.connect(path, 2000)
  const access = { user: 'berth', password: 'secret', sshKeys: [], formerSshKeys: [] }
  await expect(changeAccess(agent, access)).rejects.toThrow(new AgentUnavailable('refusing'))
  expect(
    seen.map(({ execute }) => execute),
    'no half of it is changed',
  ).toEqual(['guest-exec'])
})

test('a shutdown stays for an answer that may never come', async () => {
  const seen = await serve(() => '{"error":{"class":"GenericError","desc":"already on the way"}}\n')
  const agent = await GuestAgentClient.connect(path, 2000)
  await expect(agent.shutDown(2000)).resolves.toBeUndefined()
  expect(seen[0]).toMatchObject({ execute: 'guest-shutdown', arguments: { mode: 'powerdown' } })
})

test.each([
  ['garbage', 'no json\n'],
  ['an oversized answer', 'x'.repeat(maxAgentReply + 10)],
  ['a refusal', '{"error":{"class":"GenericError","desc":"no"}}\n'],
  ['an answer of another kind', '{"return":5}\n'],
])('%s is an error', async (_, reply) => {
  await serve(() => reply)
  const agent = await GuestAgentClient.connect(path, 2000)
  await expect(agent.exec(['true'])).rejects.toThrow(HostError)
  agent.close()
})

test('an agent that is not there is an error', async () => {
  server = createServer((socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  await expect(GuestAgentClient.connect(path, 50)).rejects.toThrow('The guest agent does not answer.')
})
