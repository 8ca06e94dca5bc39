import { lstat, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureContainerDisk } from './container-disk.ts'
import { filesIn, pathExists, type MachineFiles } from './machine-files.ts'

let files: MachineFiles

beforeEach(async () => {
  files = filesIn(await mkdtemp(join(tmpdir(), 'container-disk-')))
})
afterEach(() => rm(files.directory, { recursive: true }))

const isOff = async (): Promise<boolean> => true
const isOn = async (): Promise<boolean> => false

test('the link leads to the disk, follows it, and goes with it', async () => {
  for (const containerDisk of ['/cache/a,b.img', '/cache/a,b.img', '/cache/other.img']) {
    await ensureContainerDisk({ containerDisk }, files, isOff)
    expect(await readlink(files.containers)).toBe(containerDisk)
  }
  await ensureContainerDisk({}, files, isOff)
  await ensureContainerDisk({}, files, isOff)
  expect(await pathExists(files.containers)).toBe(false)
})

test('the same disk leaves the link as it is', async () => {
  await ensureContainerDisk({ containerDisk: '/cache/one.img' }, files, isOff)
  const before = await lstat(files.containers)
  await ensureContainerDisk({ containerDisk: '/cache/one.img' }, files, isOff)
  expect((await lstat(files.containers)).ino).toBe(before.ino)
})

test('while the machine runs, the link still tells which disk it has', async () => {
  await ensureContainerDisk({ containerDisk: '/cache/one.img' }, files, isOff)
  await ensureContainerDisk({ containerDisk: '/cache/two.img' }, files, isOn)
  await ensureContainerDisk({}, files, isOn)
  expect(await readlink(files.containers)).toBe('/cache/one.img')
})

test('a relative path is refused', async () => {
  await expect(ensureContainerDisk({ containerDisk: 'one.img' }, files, isOff)).rejects.toThrow(HostError)
})
