import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { INSTANCES, instanceBody } from '../support/api-client.ts'
import { berth } from '../support/berth-command.ts'
import { startSimulated, type SimulatedServer } from '../support/simulated-server.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Each runs commands, which take a second each, or more where the machine is busy. */
const SLOW = { timeout: 60_000 }

/** A server that is stopped once, by the test or at its end. */
async function installation(state?: string): Promise<SimulatedServer> {
  const server = await startSimulated(state ?? (await tempDir()))
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= server.stop())
  onTestFinished(stop)
  return { ...server, stop }
}

async function deploy({ api }: SimulatedServer, name: string): Promise<void> {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))
  await api.waitForStatus(name, 'success')
}

/** Waits until an instance says that its machine is gone. */
async function untilGone({ api }: SimulatedServer, name: string): Promise<void> {
  await expect
    .poll(async () => (await api.instance(name)).status.reason, { timeout: 30_000 })
    .toContain(`The simulated machine ${name} is gone. Delete the instance.`)
}

test('a backup that is taken while guests run is restored beside them', SLOW, async () => {
  const server = await installation()
  const { state, api } = server
  await deploy(server, 'stays')
  await deploy(server, 'goes')
  const file = join(await tempDir(), 'berth.backup')
  const made = await berth('backup', file, '--state', state)
  expect(made).toMatchObject({ code: 0 })
  expect(made.said).toContain('Keep a copy of that file elsewhere')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file).includes(readFileSync(join(state, 'secret.key'), 'utf8').trim())).toBe(false)

  const machineOf = (id: string) => readFileSync(join(state, 'simulated', `${id}.json`), 'utf8')
  const { id } = (await api.instance('stays')).metadata
  const before = machineOf(id ?? '')
  await api.call('DELETE', `${INSTANCES}/goes`)
  await api.waitUntilGone('goes')
  await deploy(server, 'came-later')

  expect((await berth('restore', file, '--state', state, '--force')).said).toMatch(/is in use by another/)
  await server.stop()
  const refused = await berth('restore', file, '--state', state)
  expect(refused.code).toBe(2)
  expect(refused.said).toContain('is not empty')
  const restored = await berth('restore', file, '--state', state, '--force')
  expect(restored, restored.said).toMatchObject({ code: 0 })
  expect(readdirSync(state).filter((name) => name.startsWith('berth.db.replaced-'))).toHaveLength(1)

  const again = await installation(state)
  await again.api.waitForStatus('stays', 'success')
  // The very same boot: adopted, not started again.
  expect(machineOf(id ?? '')).toBe(before)
  // What was deleted after the backup is wanted again, and not made again without what was on its disk.
  await untilGone(again, 'goes')
  expect((await again.api.call('GET', `${INSTANCES}/came-later`)).status).toBe(404)
  await again.api.call('DELETE', `${INSTANCES}/stays`)
  await again.api.waitUntilGone('stays')
})

test(
  'a backup with its keys is restored into an empty directory, where the operator key works',
  SLOW,
  async () => {
    const server = await installation()
    await deploy(server, 'vm')
    const file = join(await tempDir(), 'with-key.backup')
    await berth('backup', file, '--state', server.state, '--with-key')
    const target = join(await tempDir(), 'new')
    const restored = await berth('restore', file, '--state', target)
    expect(restored, restored.said).toMatchObject({ code: 0 })
    for (const name of ['secret.key', 'admin.key']) {
      expect(readFileSync(join(target, name))).toEqual(readFileSync(join(server.state, name)))
      expect(statSync(join(target, name)).mode & 0o777).toBe(0o600)
    }
    const other = await installation(target)
    await untilGone(other, 'vm')
  },
)

test('without the key that its secrets are sealed with, a backup is not restored', SLOW, async () => {
  const server = await installation()
  const file = join(await tempDir(), 'berth.backup')
  await berth('backup', file, '--state', server.state)
  const target = join(await tempDir(), 'new')
  const missing = await berth('restore', file, '--state', target)
  expect(missing).toMatchObject({ code: 1 })
  expect(missing.said).toContain('Give that file with --key')
  const wrong = join(await tempDir(), 'wrong.key')
  writeFileSync(wrong, `${'ab'.repeat(32)}\n`)
  expect((await berth('restore', file, '--state', target, '--key', wrong)).said).toContain('is another')
  expect(readdirSync(target).filter((name) => name.startsWith('berth.db'))).toEqual([])
  const right = await berth('restore', file, '--state', target, '--key', join(server.state, 'secret.key'))
  expect(right, right.said).toMatchObject({ code: 0 })
})

test('what is not a whole backup is refused and changes nothing', SLOW, async () => {
  const server = await installation()
  const folder = await tempDir()
  const file = join(folder, 'berth.backup')
  await berth('backup', file, '--state', server.state, '--with-key')
  expect((await berth('backup', file, '--state', server.state)).said).toContain('exists')

  const text = join(folder, 'text')
  writeFileSync(text, 'not a database\n'.repeat(500))
  const damaged = join(folder, 'damaged')
  const bytes = readFileSync(file)
  writeFileSync(damaged, bytes.fill(0x5a, 8192, 16_384))
  for (const [path, why] of [
    [text, 'is not a backup'],
    [join(server.state, 'berth.db'), 'is not a backup'],
    [damaged, 'is damaged'],
    [join(folder, 'absent'), 'does not exist'],
  ] as const) {
    const target = join(folder, 'target')
    const refused = await berth('restore', path, '--state', target, '--force')
    expect(refused, path).toMatchObject({ code: 1 })
    expect(refused.said).toContain(why)
  }
})

test('a database that is damaged or empty is told in a sentence, with what to do', SLOW, async () => {
  const server = await installation()
  const { state } = server
  await server.stop()
  const database = join(state, 'berth.db')
  const file = join(await tempDir(), 'berth.backup')
  const whole = readFileSync(database)
  const serve = ['serve', '--driver', 'simulated', '--listen', '127.0.0.1:0']
  const commands = [
    ['backup', file],
    ['instance', 'list'],
  ]
  const damages: [Buffer, string, string[][]][] = [
    [Buffer.from('no database\n'.repeat(1000)), 'damaged (file is not a database)', [...commands, serve]],
    [Buffer.from(whole).fill(0x5a, 100, 8192), 'is damaged (', [...commands, serve]],
    [Buffer.alloc(0), `The database ${database} is empty.`, commands],
  ]
  for (const [bytes, why, refused] of damages) {
    writeFileSync(database, bytes)
    for (const words of refused) {
      const { code, said } = await berth(...words, '--state', state)
      expect({ code, said }, words.join(' ')).toEqual({ code: 2, said: expect.stringContaining(why) })
      expect(said.trim().split('\n'), said).toHaveLength(1)
      expect(said).toContain('berth restore FILE --force')
    }
  }
  expect(existsSync(file)).toBe(false)
})
