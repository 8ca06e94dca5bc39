import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')

interface Run {
  readonly child: ChildProcess
  output(): string
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

function berth(...words: string[]): Run {
  const child = spawn(BERTH, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, output: () => output, ended }
}

async function serving(state: string, listen: string): Promise<Run> {
  const run = berth('serve', '--driver', 'simulated', '--state', state, '--listen', listen)
  await waitFor(async () => (await fetch(`http://${listen}/readyz`)).ok, {
    deadlineSeconds: 15,
    what: 'the server',
  })
  return run
}

test('SIGTERM ends the server in order, with nothing but JSON lines in its log', async () => {
  const run = await serving(await tempDir(), `127.0.0.1:${await freePort()}`)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  const entries = run
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string })
  expect(entries.at(-1)?.msg).toBe('stopped')
})

test('a busy port names its owner, and nothing is left behind', async () => {
  const other = createServer()
  onTestFinished(() => void other.close())
  const port = await freePort()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  const run = berth(
    'serve',
    '--driver',
    'simulated',
    '--state',
    await tempDir(),
    '--listen',
    `127.0.0.1:${port}`,
  )
  expect(await run.ended).toBe(2)
  expect(run.output()).toContain(`127.0.0.1:${port} is in use by`)
  expect(run.output()).toContain(`(pid ${process.pid})`)
})

test('a second server on one state directory is refused, and says which process has it', async () => {
  const state = await tempDir()
  const first = await serving(state, `127.0.0.1:${await freePort()}`)
  const second = berth(
    'serve',
    '--driver',
    'simulated',
    '--state',
    state,
    '--listen',
    `127.0.0.1:${await freePort()}`,
  )
  expect(await second.ended).toBe(2)
  expect(second.output()).toMatch(/is in use by another berth serve \(pid \d+\)/)
  first.child.kill('SIGKILL')
  await first.ended
  await serving(state, `127.0.0.1:${await freePort()}`)
})

test('a wrong setting is named with its flag and its variable', async () => {
  const run = berth('serve', '--driver', 'simulated', '--listen', 'nowhere')
  expect(await run.ended).toBe(2)
  expect(run.output()).toContain('listen: must be address:port')
  expect(run.output()).toContain('BERTH_LISTEN')
})

test('the log that a shell opened in the state directory makes it nobody else’s', async () => {
  const state = await tempDir()
  const log = openSync(join(state, 'out.log'), 'a')
  const listen = `127.0.0.1:${await freePort()}`
  const flags = ['serve', '--driver', 'simulated', '--state', state, '--listen', listen]
  const child = spawn(BERTH, flags, { stdio: ['ignore', log, log] })
  closeSync(log)
  onTestFinished(() => void child.kill('SIGKILL'))
  const ready = async () => (await fetch(`http://${listen}/readyz`)).ok
  await waitFor(ready, { deadlineSeconds: 15, what: 'the server' })
  expect(await ready()).toBe(true)
})

test('a directory of somebody else’s is refused by the server, which the doctor says beforehand', async () => {
  const state = await tempDir()
  writeFileSync(join(state, 'access.log'), '')
  const refusal = `${state} holds files that are not Berth’s (access.log)`
  const doctor = berth('doctor', '--driver', 'simulated', '--state', state)
  expect(await doctor.ended).toBe(1)
  expect(doctor.output()).toContain(`berth serve refuses it: ${refusal}`)
  const server = berth('serve', '--driver', 'simulated', '--state', state)
  expect(await server.ended).toBe(2)
  expect(server.output()).toContain(refusal)
})
