import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drainConsole, markStart, readConsoleTail } from './console-log.ts'
import { filesIn } from './machine-files.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'console-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** QEMU's ring: each reading takes the next of `pieces`, then there is nothing. */
function ring(...pieces: string[]): { execute: () => Promise<string> } {
  return { execute: async () => Buffer.from(pieces.shift() ?? '').toString('base64') }
}

test('what was drained piece by piece is read as one', async () => {
  const files = filesIn(directory)
  expect(await readConsoleTail(files)).toBe('')
  await drainConsole(ring('one\r\ntw'), files)
  await drainConsole(ring(), files)
  await drainConsole(ring('o\r\n\u001b[2J\u001b]0;title\u0007three'), files)
  expect(await readConsoleTail(files)).toBe('one\ntwo\nthree')
  expect((await stat(files.consoleLog)).mode & 0o777).toBe(0o600)
})

test('of a machine that was started again, only what it wrote since is read', async () => {
  const files = filesIn(directory)
  await drainConsole(ring('before\npowering off\n'), files)
  await markStart(files)
  expect(await readConsoleTail(files)).toBe('')
  await drainConsole(ring('after\n'), files)
  expect(await readConsoleTail(files)).toBe('after\n')
  expect(await readFile(files.consoleLog, 'utf8')).toContain('powering off')
})

test('the log stays below 1 MiB and keeps the newest', async () => {
  const files = filesIn(directory)
  for (let round = 0; round < 12; round += 1) {
    await drainConsole(ring(`${String(round).padStart(7, '0')}\n`.repeat(1 << 14)), files)
    expect((await stat(files.consoleLog)).size).toBeLessThanOrEqual(1 << 20)
  }
  const log = await readFile(files.consoleLog, 'utf8')
  expect(log.endsWith('0000011\n')).toBe(true)
  expect(log.length).toBeGreaterThan(700_000)
})

test('a guest that writes without end does not hold the reader', async () => {
  const files = filesIn(directory)
  const endless = { execute: async () => Buffer.alloc(512 << 10, 'x\n').toString('base64') }
  await drainConsole(endless, files)
  expect((await readConsoleTail(files)).length).toBeLessThanOrEqual(64 << 10)
})
