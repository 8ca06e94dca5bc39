import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { INSTANCES } from '../support/api-client.ts'
import { berth } from '../support/berth-command.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { TINY_PROFILE, tinyBody } from '../support/tiny-profile.ts'

// A backup is restored while a real guest runs, and its server takes the guest over as it is.

const BERTH = join(import.meta.dirname, '../../bin/berth')
const run = promisify(execFile)
let server: RealServer

beforeAll(async () => {
  server = await RealServer.start(await tempDir())
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
})
afterAll(() => server.clean())

/** Pid and start time (proc(5)) of the guest's process: the same process, or another. */
async function processOf(id: string | undefined): Promise<string> {
  const entry = (await server.census()).find(({ kind, owner }) => kind === 'process' && owner === id)
  const stat = await readFile(`/proc/${entry?.name}/stat`, 'utf8')
  return `${entry?.name} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
}

test('a lost database is restored beside a running guest, which runs on and can be deleted', async () => {
  await server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody('guest'))
  const before = await server.api.waitForStatus('guest', 'success', 60)
  const { id } = before.metadata
  const running = await processOf(id)

  const folder = await tempDir()
  const file = join(folder, 'berth.backup')
  await run(BERTH, ['backup', file, '--state', server.state])
  // The server works on while it is copied, and after.
  expect((await server.api.instance('guest')).status.status).toBe('success')

  await server.kill()
  for (const name of ['berth.db', 'berth.db-wal', 'berth.db-shm']) {
    await rm(join(server.state, name), { force: true })
  }
  await expect(run(BERTH, ['restore', file, '--state', server.state])).rejects.toThrow('is not empty')
  const { stdout } = await run(BERTH, ['restore', file, '--state', server.state, '--force'])
  expect(stdout).toContain('It adopts the guests that run.')
  expect(await processOf(id)).toBe(running)

  await server.start()
  const after = await server.api.waitForStatus('guest', 'success', 30)
  expect(await processOf(id)).toBe(running)
  expect(after.metadata).toEqual(before.metadata)
  expect(after.status.output).toEqual(before.status.output)

  const figures = await (await fetch(`${server.api.url}/metrics`)).text()
  expect(figures).toContain('berth_guests{power="running"} 1')
  expect(figures).toContain('berth_objects{kind="ComputeInstance",status="success"} 1')

  await server.api.call('DELETE', `${INSTANCES}/guest`)
  await server.api.waitUntilGone('guest', 60)
  expect(await server.census()).toEqual([])
})

test('a restore that finds too little room says so, and leaves nothing', async () => {
  const file = join(await tempDir(), 'berth.backup')
  await run(BERTH, ['backup', file, '--state', server.state, '--with-key'])
  const state = await tempDir()
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=711', 'tmpfs', state])
  onTestFinished(async () => void (await run('umount', [state])))
  const { code, said } = await berth('restore', file, '--state', state)
  expect(said).toMatch(
    /^berth: The disk that holds .* is full: .*Free some space on it and restore again\.\n$/,
  )
  expect(code).toBe(2)
  expect((await readdir(state)).filter((name) => name.startsWith('berth.db'))).toEqual([])
})
