import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { CachedContainerImages } from '../../packages/server/src/images/container/cached-container-images.ts'
import { listContainers, listMeanings } from '../../packages/server/src/images/container/container-cache.ts'
import type { RegistryAccess } from '../../packages/server/src/images/container/registry-access.ts'
import { removeContainers } from '../../packages/server/src/images/container/remove-containers.ts'
import { registryUser, startRegistryOn, type TestRegistry } from '../support/container-registry.ts'
import { pushLayeredImage } from '../support/layered-image.ts'
import { fetched as ready } from '../support/fetched-image.ts'
import { startStallingProxy } from '../support/stalling-proxy.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const NAME = 'berth/layered:1'
const REFERENCE = `docker.io/${NAME}`

let storage: string
let registry: TestRegistry
let cacheDir: string

beforeAll(async () => {
  storage = await tempDir()
  registry = await startRegistryOn(storage)
  await pushLayeredImage(registry, NAME)
})
afterAll(() => registry.stop())
beforeEach(async () => {
  cacheDir = await tempDir()
})

const plain = (address = registry.address): RegistryAccess => ({ mirror: `http://${address}`, authFile: '' })
const imagesOf = (access = plain()) => new CachedContainerImages({ cacheDir, access })

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

test('a tag becomes its digest, and what has a digest comes from the cache without the network', async () => {
  const first = await ready(imagesOf(), 'berth/layered:1')
  const asked = await fetch(`http://${registry.address}/v2/berth/layered/manifests/1`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  })
  const manifest = await asked.text()
  const digest = sha256(manifest)
  const { config } = JSON.parse(manifest) as { config: { digest: string } }
  expect(first).toMatchObject({ reference: REFERENCE, digest, imageId: config.digest })
  expect(await listMeanings(cacheDir)).toEqual(new Map([[REFERENCE, digest]]))
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([])

  const nowhere = imagesOf(plain('127.0.0.1:1'))
  expect(await nowhere.ensure(REFERENCE, digest)).toEqual({ state: 'ready', image: first })
  // What the tag means now is the registry's to say; the layers need not come again.
  const before = (await registry.requests()).length
  expect(await ready(imagesOf(), REFERENCE)).toEqual(first)
  const since = (await registry.requests()).slice(before).join('\n')
  expect(since).toContain('/manifests/1 ')
  expect(since.match(/GET \S+\/blobs\//g)).toHaveLength(1)
})

test('who wants the same image at the same time gets the same fetch, and hears how far it is', async () => {
  const proxy = await startStallingProxy(registry.address, 2 ** 20)
  onTestFinished(() => proxy.stop())
  const before = (await registry.requests()).length
  const [one, other] = [imagesOf(plain(proxy.address)), imagesOf(plain(proxy.address))]
  const detail = async () => {
    const found = await one.ensure(REFERENCE, null)
    return found.state === 'fetching' ? found.detail : ''
  }
  await waitFor(async () => (await detail()) === `Fetching ${REFERENCE}: 2 of 4 MiB.`, {
    deadlineSeconds: 30,
    what: 'a part of the image to be here',
  })
  const waiting = async () => await other.ensure(REFERENCE, null)
  await waitFor(async () => JSON.stringify(await waiting()).includes('Waiting for another fetch'), {
    deadlineSeconds: 30,
    what: 'the other to wait',
  })
  proxy.release()
  expect(await ready(other, REFERENCE)).toEqual(await ready(one, REFERENCE))
  const layers = (await registry.requests()).slice(before).filter((line) => /GET \S+\/blobs\//.test(line))
  // Three layers once, and the configuration for each who asked and for the fetch.
  expect(layers.length).toBeLessThanOrEqual(6)
  expect(new Set(layers.map((line) => /blobs\/(\S+)/.exec(line)?.[1])).size).toBe(4)
})

test('a registry that asks for credentials gets those of the file, and no others', async () => {
  const guarded = await startRegistryOn(storage, { credentials: true, readOnly: true })
  onTestFinished(() => guarded.stop())
  const directory = await tempDir()
  const withWord = async (word: string): Promise<RegistryAccess> => {
    const authFile = join(directory, `${word}.json`)
    const auth = Buffer.from(`${registryUser.name}:${word}`).toString('base64')
    await writeFile(authFile, JSON.stringify({ auths: { [guarded.address]: { auth } } }))
    return { mirror: `http://${guarded.address}`, authFile }
  }
  for (const access of [await withWord('wrong'), plain(guarded.address)]) {
    await expect(ready(imagesOf(access), REFERENCE)).rejects.toMatchObject({
      message: expect.stringMatching(
        /refuses the image "docker.io\/berth\/layered:1".*registryAuthFile/,
      ) as string,
      retryable: false,
    })
  }
  expect(await ready(imagesOf(await withWord(registryUser.word)), REFERENCE)).toMatchObject({
    reference: REFERENCE,
  })
})

test('an image that is not there, a name that is none, and a registry that is down are told apart', async () => {
  const digest = `sha256:${'0'.repeat(64)}`
  for (const [reference, known] of [
    ['berth/nothing:1', null],
    ['berth/layered:2', null],
    [NAME, digest],
  ] as const) {
    await expect(ready(imagesOf(), reference, known)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The image "docker\.io\/\S+" is not in the registry 127\S+: check its name\.$/,
      ) as string,
      retryable: false,
    })
  }
  await expect(ready(imagesOf(), 'a b')).rejects.toMatchObject({ retryable: false })
  const down = imagesOf(plain('127.0.0.1:1'))
  await expect(ready(down, REFERENCE)).rejects.toMatchObject({
    message: expect.stringContaining('connection refused') as string,
    retryable: true,
  })
  // Told once; then it is tried again.
  expect(await down.ensure(REFERENCE, null)).toMatchObject({ state: 'fetching' })
  await expect(ready(down, REFERENCE)).rejects.toThrow('connection refused')
  expect(await listContainers(cacheDir)).toEqual([])
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([])
})

test('a fetch that is killed ends with its programs and leaves scratch, which the next one removes', async () => {
  const proxy = await startStallingProxy(registry.address, 2 ** 20)
  onTestFinished(() => proxy.stop())
  const berth = new URL('../../packages/server/src/main/berth.ts', import.meta.url).pathname
  const words = [
    'image',
    'pull-container',
    NAME,
    '--cache',
    cacheDir,
    '--registry-mirror',
    `http://${proxy.address}`,
  ]
  const child = spawn(process.execPath, [berth, ...words], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await waitFor(async () => (await programsNaming(cacheDir)).some((line) => line.startsWith('skopeo')), {
    deadlineSeconds: 60,
    what: 'skopeo to work',
  })
  await waitFor(
    () =>
      readdirSync(join(cacheDir, 'tmp'), { recursive: true }).some((it) =>
        /sent\/dir-put-blob/.test(it.toString()),
      ),
    {
      deadlineSeconds: 60,
      what: 'a layer to arrive',
    },
  )
  child.kill('SIGKILL')
  await waitFor(async () => (await programsNaming(cacheDir)).length === 0, {
    deadlineSeconds: 10,
    what: 'its programs to end with it',
  })
  expect(await listContainers(cacheDir)).toEqual([])
  expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(cacheDir)
  expect(readdirSync(join(cacheDir, 'tmp'))).not.toEqual([])
  await ready(imagesOf(), REFERENCE)
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([])
  expect(await listContainers(cacheDir)).toHaveLength(1)
})

test('what a machine has as its disk or a process reads stays, and the rest goes', async () => {
  const state = await tempDir()
  const { disk } = await ready(imagesOf(), REFERENCE)
  const machine = join(state, 'instances', randomUUID())
  mkdirSync(machine, { recursive: true })
  const link = join(machine, 'containers.img')
  symlinkSync(disk, link)
  const remove = async () => removeContainers(cacheDir, await listContainers(cacheDir), [state])
  expect((await remove()).used).toMatchObject([{ users: [{ kind: 'disk', name: link }] }])

  await rm(machine, { recursive: true })
  const reader = await open(disk)
  expect((await remove()).used).toMatchObject([{ users: [{ kind: 'process' }] }])
  await reader.close()

  expect((await remove()).removed).toMatchObject([{ reference: REFERENCE }])
  expect(await listContainers(cacheDir)).toEqual([])
  expect(await listMeanings(cacheDir)).toEqual(new Map())
})

/** Command lines of processes that name a path. */
async function programsNaming(path: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(path)).map((line) => line.replaceAll('\0', ' '))
}
