import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseGuestReport, readGuestReport } from './readiness-port.ts'

const bootId = '0e1d7a3c-5b0a-4f6e-9c55-0a1b2c3d4e5f'

/** What is read from a guest that sends `text` when the host connects. */
async function reading(text: string, timeoutMs = 2000): Promise<unknown> {
  const directory = await mkdtemp(join(tmpdir(), 'ready-'))
  const path = join(directory, 'ready.sock')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(text)
  })
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve))
    return await readGuestReport(path, timeoutMs)
  } finally {
    await new Promise((resolve) => server.close(resolve))
    await rm(directory, { recursive: true })
  }
}

test('a whole line after half of one is read', async () => {
  expect(await reading(`Id":"x"}\n{"bootId":"${bootId}","state":"ok"}\n`)).toEqual({ bootId, state: 'ok' })
})

test.each([
  ['nothing', ''],
  ['a line that does not end', `{"bootId":"${bootId}","state":"ok"}`],
  ['an endless line', 'x'.repeat(100_000)],
  ['endless noise', 'x\n'.repeat(50_000)],
])('%s is no report', async (_, text) => {
  expect(await reading(text, 100)).toBeUndefined()
})

test('nobody listening is no report', async () => {
  expect(await readGuestReport('/nonexistent/ready.sock', 100)).toBeUndefined()
})

test('an error carries its detail, short and without terminal escapes', () => {
  const detail = `\u001b[31mbad\u0007 ${'x'.repeat(1000)}`
  const report = parseGuestReport(Buffer.from(JSON.stringify({ bootId, state: 'error', detail })))
  expect(report).toMatchObject({ bootId, state: 'error' })
  expect(report?.detail).toMatch(/^bad x{496}$/)
})

test.each([
  'null',
  '[]',
  '{"state":"ok"}',
  '{"bootId":5,"state":"ok"}',
  '{"bootId":"","state":"ok"}',
  '{"bootId":"a b","state":"ok"}',
  `{"bootId":"${'x'.repeat(65)}","state":"ok"}`,
  `{"bootId":"${bootId}","state":"fine"}`,
])('%s is no report', (text) => {
  expect(parseGuestReport(Buffer.from(text))).toBeUndefined()
})
