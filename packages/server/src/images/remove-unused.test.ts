import { spawn } from 'node:child_process'
import { mkdir, open, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { qcow2Header } from '../../../../test/support/qcow2-header.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { noteInstallation, notedStates } from './installations.ts'
import { findImage, imageDir, listImages } from './image-store.ts'
import { writeManifest } from './manifest.ts'
import { removeUnusedImages } from './remove-unused.ts'

let cacheDir: string
let state: string

beforeEach(async () => {
  cacheDir = await tempDir()
  state = await tempDir()
})

/** An import whose disk is a header and nothing else. */
async function imported(name: string, source: string) {
  const directory = join(imageDir(cacheDir, name), source)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'disk.qcow2'), qcow2Header())
  const files = { disk: 'disk.qcow2' }
  const boot = { bootMode: 'disk', kernelArguments: [], defaultUser: source } as const
  const { digest } = await writeManifest(directory, { name, recipe: 'a'.repeat(64), files, ...boot })
  return { directory, digest }
}

async function machineOn(base: string): Promise<string> {
  const directory = join(state, 'instances', 'one')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'disk.qcow2'), qcow2Header({ backingFile: base }))
  return directory
}

test('an image that a stopped machine of any installation stands on stays, and the others go', async () => {
  const used = await imported('noble', 'used')
  const free = await imported('noble', 'free')
  const machine = await machineOn(join(used.directory, 'disk.qcow2'))
  await noteInstallation(cacheDir, 'abc123', state)
  expect(await notedStates(cacheDir)).toEqual([state])

  const first = await removeUnusedImages(cacheDir, 'noble', undefined, await notedStates(cacheDir))
  expect(first.removed.map((image) => image.digest)).toEqual([free.digest])
  expect(first.used).toMatchObject([
    { image: { digest: used.digest }, users: [{ kind: 'disk', name: join(machine, 'disk.qcow2') }] },
  ])
  expect((await findImage(cacheDir, 'noble'))?.digest).toBe(used.digest)

  await rm(machine, { recursive: true })
  const second = await removeUnusedImages(cacheDir, 'noble', used.digest.slice(0, 12), [state])
  expect(second.removed).toHaveLength(1)
  expect(await listImages(cacheDir)).toEqual([])
  expect(await readdir(join(cacheDir, 'tmp'))).toEqual([])
  await expect(findImage(cacheDir, 'noble')).rejects.toThrow('There is no guest image named')
  await expect(removeUnusedImages(cacheDir, 'noble', undefined, [])).rejects.toThrow('no guest image noble')
})

test('an image that a process has open stays, whosever process it is', async () => {
  const { directory } = await imported('noble', 'open')
  const file = await open(join(directory, 'disk.qcow2'))
  const child = spawn('sleep', ['60'], { stdio: [file.fd, 'ignore', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await file.close()
  const { used, removed } = await removeUnusedImages(cacheDir, 'noble', undefined, [])
  expect(removed).toEqual([])
  expect(used[0]?.users).toEqual([{ kind: 'process', name: `sleep (pid ${child.pid})` }])
  expect((await stat(join(directory, 'disk.qcow2'))).isFile()).toBe(true)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  expect((await removeUnusedImages(cacheDir, 'noble', undefined, [])).removed).toHaveLength(1)
})

test('what lies in a machine’s directory and is no disk protects nothing and harms nothing', async () => {
  await imported('noble', 'odd')
  const directory = join(state, 'instances', 'two')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'disk.qcow2'), 'QFI')
  expect((await removeUnusedImages(cacheDir, 'noble', undefined, [state])).removed).toHaveLength(1)
})

test('an installation is forgotten when its directory has been gone for long', async () => {
  await noteInstallation(cacheDir, 'abc123', state)
  await noteInstallation(cacheDir, 'gone00', join(state, 'gone'))
  await noteInstallation(cacheDir, 'late00', join(state, 'unmounted'))
  const longAgo = new Date(Date.now() - 31 * 86_400_000)
  for (const name of ['abc123', 'gone00'])
    await utimes(join(cacheDir, 'installations', name), longAgo, longAgo)
  await noteInstallation(cacheDir, 'def456', state)
  expect((await readdir(join(cacheDir, 'installations'))).toSorted()).toEqual(['abc123', 'def456', 'late00'])
})
