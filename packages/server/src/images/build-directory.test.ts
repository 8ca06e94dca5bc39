import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { createBuildDirectory, ensureReadableDir, removeStaleBuildDirectories } from './build-directory.ts'

let cacheDir: string

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'berth-build-'))
})
afterEach(() => rm(cacheDir, { recursive: true, force: true }))

const left = () => readdir(join(cacheDir, 'tmp'))

test('every directory made on the way is readable for others, whatever the umask', async () => {
  const umask = process.umask(0o077)
  try {
    await ensureReadableDir(join(cacheDir, 'a/b'))
  } finally {
    process.umask(umask)
  }
  for (const path of ['a', 'a/b']) expect((await stat(join(cacheDir, path))).mode & 0o777).toBe(0o755)
  expect((await stat(cacheDir)).mode & 0o777).toBe(0o700)
})

test('the directory of a build that goes on stays; after a day it goes', async () => {
  const path = await createBuildDirectory(cacheDir)
  expect(await removeStaleBuildDirectories(cacheDir)).toEqual([])
  expect(await left()).toEqual([basename(path)])
  const tomorrow = Date.now() + 25 * 60 * 60_000
  expect(await removeStaleBuildDirectories(cacheDir, tomorrow)).toEqual([basename(path)])
  expect(await left()).toEqual([])
})

test('the directory of a process that ended goes, and so does one whose process id was given anew', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  const dead = `build-${child.pid}-123-abcdef`
  const reused = `build-${process.pid}-1-abcdef`
  for (const name of [dead, reused, 'trash-1', 'something-else']) {
    await mkdir(join(cacheDir, 'tmp', name, 'work'), { recursive: true })
  }
  expect((await removeStaleBuildDirectories(cacheDir)).toSorted()).toEqual(
    [dead, reused, 'trash-1'].toSorted(),
  )
  expect(await left()).toEqual(['something-else'])
})

test('a process that has ended counts as such before its parent takes note', async () => {
  // sleep takes no note of the child that it inherits from the shell.
  const script = 'exec 3<&0; cat <&3 & echo $!; exec sleep 60 3<&-'
  const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void parent.kill())
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = line.toString().trim()
  const within = { deadlineSeconds: 10, what: 'the shell to give way, and its child to end' }
  await waitFor(async () => (await readFile(`/proc/${parent.pid}/comm`, 'utf8')) === 'sleep\n', within)
  parent.stdin.end()
  const start = await waitFor(async () => {
    const [state, ...rest] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
    return state === 'Z' && rest[18]
  }, within)
  const name = `build-${pid}-${start}-abcdef`
  await mkdir(join(cacheDir, 'tmp', name), { recursive: true })
  expect(await removeStaleBuildDirectories(cacheDir)).toEqual([name])
})

test('a cache that does not exist yet has nothing stale', async () => {
  expect(await removeStaleBuildDirectories(join(cacheDir, 'nowhere'))).toEqual([])
})
