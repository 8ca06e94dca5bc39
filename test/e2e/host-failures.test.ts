import { access, cp, mkdir, open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { INSTANCES, instanceBody } from '../support/api-client.ts'
import { RealServer } from '../support/real-server.ts'
import { startSimulated } from '../support/simulated-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { TINY_PROFILE, tinyBody } from '../support/tiny-profile.ts'

// What a user reads when the host fails, and that a publish or an action recovers once the cause is gone. Guests lie
// on a file system of their own that can be filled; CACHE begins without images.

const images = imageCacheDir()
let state: string
let cache: string
let server: RealServer

beforeAll(async () => {
  state = await tempDir()
  cache = await tempDir()
  await mkdir(join(state, 'instances'))
  await mountSmall(join(state, 'instances'))
  process.env['BERTH_CACHE'] = cache
  server = await RealServer.start(state)
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
})
afterAll(async () => {
  await server.clean()
  delete process.env['BERTH_CACHE']
  await runCommand('umount', [join(state, 'instances')])
})

async function mountSmall(directory: string): Promise<void> {
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=711', 'tmpfs', directory])
}

/** Fills a file system until so many bytes are left. @returns how to empty it again */
async function fillUntil(directory: string, left: number): Promise<() => Promise<void>> {
  const filler = join(directory, 'filler')
  const free = Number((await runCommand('df', ['--output=avail', '-B1', directory])).trim().split('\n')[1])
  await runCommand('fallocate', ['-l', String(free - left), filler])
  return async () => rm(filler)
}

const machine = async (file: string) =>
  join(state, 'instances', (await server.api.instance('guest')).metadata.id, file)

async function act(action: string, status: string): Promise<ComputeInstance['status']> {
  const answer = await server.api.call('POST', `${INSTANCES}/guest/action/${action}`)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return (await server.api.waitForStatus('guest', status, 120)).status
}

const publish = async () => {
  expect((await server.api.call('POST', `${INSTANCES}/guest/publish`)).status).toBe(200)
  return (await server.api.waitForStatus('guest', 'success', 60)).status
}

test('without its image a guest waits, says how to get it, and goes on once it is there', async () => {
  await server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody('guest'))
  await expect
    .poll(async () => (await server.api.instance('guest')).status, { timeout: 20_000 })
    .toMatchObject({
      status: 'pending',
      reason: expect.stringMatching(
        /^The guest image "tiny" is not on this host; its operator can add it\. Trying again/,
      ),
    })
  await cp(join(images, 'images', 'tiny'), join(cache, 'images', 'tiny'), { recursive: true })
  await server.api.waitForStatus('guest', 'success', 60)
})

test('a full disk is named while guests run on, and room lets the next one go on', async () => {
  const empty = await fillUntil(join(state, 'instances'), 1_000_000)
  expect((await server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody('second'))).status).toBe(
    200,
  )
  await expect
    .poll(async () => (await server.api.instance('second')).status.reason, { timeout: 30_000 })
    .toMatch(/^The host's disk is full: .*\. Its operator has to make room\. .*Trying again/)
  expect((await server.api.instance('guest')).status.status).toBe('success')
  await empty()
  await server.api.waitForStatus('second', 'success', 90)
  await server.api.call('DELETE', `${INSTANCES}/second`)
  await server.api.waitUntilGone('second', 60)
})

test('a full disk under the database: requests are refused, and nothing that was accepted is lost', async () => {
  const directory = await tempDir()
  await mountSmall(directory)
  const simulated = await startSimulated(directory)
  const { api } = simulated
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('before'))
  await api.waitForStatus('before', 'success')
  const empty = await fillUntil(directory, 0)
  const accepted: string[] = []
  const refusals: string[] = []
  for (let number = 0; number < 100; number++) {
    const name = `during-${number}`
    const body = instanceBody(name)
    const large = { ...body, metadata: { ...body.metadata, description: 'x'.repeat(1000) } }
    const answer = await api.call('POST', INSTANCES, large)
    if (answer.status === 200) accepted.push(name)
    else refusals.push(answer.body.message)
  }
  expect(refusals.at(-1)).toBe(
    'Nothing was changed: the disk that holds the database is full. Try again when that is mended.',
  )
  expect((await api.instance('before')).status.status).toBe('success')
  await empty()
  expect((await api.call('POST', INSTANCES, instanceBody('after'))).status).toBe(200)
  const found = await Promise.all(accepted.map((name) => api.call('GET', `${INSTANCES}/${name}`)))
  expect(found.map(({ status }) => status)).toEqual(accepted.map(() => 200))
  expect((await api.call('GET', INSTANCES)).body.metadata.count).toBe(accepted.length + 2)
  await simulated.stop()
  await runCommand('umount', [directory])
})

/** Sets or clears the bit by which a qcow2 file says that it is damaged (docs/interop/qcow2, incompatible features). */
async function markCorrupt(path: string, corrupt: boolean): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from([corrupt ? 2 : 0]), 0, 1, 79)
  await file.close()
}

test('a damaged disk is called that, with what to do; mended, a publish recovers', async () => {
  await act('stop', 'success')
  const disk = await machine('disk.qcow2')
  await markCorrupt(disk, true)
  const failed = await act('start', 'failed')
  expect(failed.reason).toContain(
    `The disk ${disk} is damaged: QEMU calls it corrupt. Put a copy of it in its place`,
  )
  expect(failed.steps.at(-1)).toMatchObject({ name: 'Start machine', state: 'failed' })
  expect(failed.actions).toContain('start')
  await markCorrupt(disk, false)
  expect(await publish()).toMatchObject({ powerState: 'running', reason: 'Running.' })
})

test('a disk that was cut short is called damaged, and not started with zeros for its end', async () => {
  await act('stop', 'success')
  const disk = await machine('disk.qcow2')
  await runCommand('qemu-io', ['-c', 'write 0 4M', disk])
  const whole = await readFile(disk)
  await truncate(disk, (await stat(disk)).size - 2 ** 20)
  const failed = await act('start', 'failed')
  expect(failed.reason).toContain(
    `The disk ${disk} is damaged: qemu-img check finds errors in it. Put a copy`,
  )
  await writeFile(disk, whole)
  expect((await publish()).powerState).toBe('running')
})

test('a disk that is no disk is not replaced by an empty one', async () => {
  await act('stop', 'success')
  const disk = await machine('disk.qcow2')
  const whole = await readFile(disk)
  await writeFile(disk, 'gone')
  expect((await act('start', 'failed')).reason).toContain(`The disk ${disk} is damaged: it is no qcow2 file.`)
  expect(await readFile(disk, 'utf8')).toBe('gone')
  await writeFile(disk, whole)
  expect((await publish()).powerState).toBe('running')
})

test('a disk that is gone, as when its file system is not mounted, is not replaced by an empty one', async () => {
  await act('stop', 'success')
  const disk = await machine('disk.qcow2')
  await rename(dirname(disk), `${dirname(disk)}.away`)
  expect((await server.api.call('POST', `${INSTANCES}/guest/action/start`)).status).toBe(200)
  await expect
    .poll(async () => (await server.api.instance('guest')).status.reason, { timeout: 60_000 })
    .toContain(`The disk ${disk} is gone. Mount what holds it or put a copy of it in its place`)
  await expect(access(disk)).rejects.toThrow('ENOENT')
  await rename(`${dirname(disk)}.away`, dirname(disk))
  expect((await server.api.waitForStatus('guest', 'success', 120)).status.powerState).toBe('running')
})

test('a guest that powers off while it boots is said to be off, with its last words', async () => {
  await act('stop', 'success')
  const seed = await machine('seed.img')
  const whole = await readFile(seed)
  await writeFile(seed, Buffer.alloc(whole.length))
  const failed = await act('start', 'failed')
  expect(failed.reason).toMatch(
    /^The guest powered off while it booted\. Its console ended with: .*no volume is labelled CIDATA: powering off.* Publish it again to start it again\.$/,
  )
  expect(failed).toMatchObject({ powerState: 'stopped', actions: ['start', 'stop'] })
  await writeFile(seed, whole)
  expect(await publish()).toMatchObject({ powerState: 'running' })
})

test('what the guest reports of its set-up is told; it can be stopped and started', async () => {
  await act('stop', 'success')
  const seed = await machine('seed.img')
  const whole = await readFile(seed)
  const broken = join(cache, 'network-config')
  await writeFile(broken, 'no json')
  await runCommand('mcopy', ['-o', '-i', seed, broken, '::network-config'])
  const failed = await act('start', 'failed')
  expect(failed.reason).toMatch(
    /^The guest booted, but cloud-init in it reports: .*network.* stop and start it to run it again, or delete it\.$/,
  )
  expect(failed.actions).toEqual(['stop'])
  expect((await act('stop', 'success')).actions).toEqual(['start'])
  await writeFile(seed, whole)
  expect((await act('start', 'success')).reason).toBe('Running.')
})

test('a failed guest can be deleted, and leaves nothing', async () => {
  await act('stop', 'success')
  await writeFile(await machine('disk.qcow2'), 'gone')
  await act('start', 'failed')
  await server.api.call('DELETE', `${INSTANCES}/guest`)
  await server.api.waitUntilGone('guest', 60)
  expect(await server.census()).toEqual([])
})
