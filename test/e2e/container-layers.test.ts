import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { CachedContainerImages } from '../../packages/server/src/images/container/cached-container-images.ts'
import { makeImageDisk, treeSize } from '../../packages/server/src/images/container/image-disk.ts'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { startRegistryOn, type TestRegistry } from '../support/container-registry.ts'
import { fetched } from '../support/fetched-image.ts'
import { LAYER_BYTES, pushLayeredImage } from '../support/layered-image.ts'
import { tempDir } from '../support/temp-dir.ts'

// What becomes of an image's layers, and which of several images an index means.

const NAME = 'berth/layered:1'
const REFERENCE = `docker.io/${NAME}`

let registry: TestRegistry
let images: CachedContainerImages

beforeAll(async () => {
  registry = await startRegistryOn(await tempDir())
  await pushLayeredImage(registry, NAME)
})
afterAll(() => registry.stop())
beforeEach(async () => {
  const access = { mirror: `http://${registry.address}`, authFile: '' }
  images = new CachedContainerImages({ cacheDir: await tempDir(), access })
})

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

async function debugfs(disk: string, command: string): Promise<string> {
  return runCommand('debugfs', ['-R', command, disk])
}

test('the disk holds a store of container images with what a container sees, and anybody can read it', async () => {
  // As the server's is, which keeps its own files from others.
  const umask = process.umask(0o077)
  onTestFinished(() => void process.umask(umask))
  const { disk, digest, imageId } = await fetched(images, REFERENCE)
  expect(statSync(disk).mode & 0o777).toBe(0o644)
  expect(statSync(disk).blocks * 512).toBeLessThan(LAYER_BYTES + 2 ** 20)
  await runCommand('e2fsck', ['-fn', disk])
  expect(await runCommand('dumpe2fs', ['-h', disk])).toMatch(/volume name: +berth-images\n/)

  // As a container engine reads it.
  const graph = await tempDir()
  await debugfs(disk, `rdump / ${graph}`)
  const place = `containers-storage:[overlay@${graph}+${await tempDir()}]`
  const read = async (name: string, ...words: string[]) => {
    const call = ['--mount', 'skopeo', 'inspect', '--raw', ...words, `${place}${name}`]
    return sha256(await runCommand('unshare', call))
  }
  expect(await read(REFERENCE)).toBe(digest)
  // With the line's end that skopeo adds, it has no digest to compare.
  expect(await read(`@${imageId.replace('sha256:', '')}`, '--config')).toBe(await read(REFERENCE, '--config'))

  const names = (await debugfs(disk, 'ls -p /overlay')).match(/[0-9a-f]{64}/g) ?? []
  expect(names).toHaveLength(1)
  const root = `/overlay/${names[0]}/diff`
  expect(await debugfs(disk, `stat ${root}`)).toMatch(/Mode: +0755/)
  expect(await debugfs(disk, `stat ${root}/etc/owned`)).toMatch(/Mode: +0640[^]*User: +1000 +Group: +100 /)
  expect(await debugfs(disk, `stat ${root}/usr/bin/tool`)).toMatch(/Mode: +04755/)
  expect(await debugfs(disk, `stat ${root}/bin`)).toContain('Fast link dest: "usr/bin"')
  expect(await debugfs(disk, `stat ${root}/opt/new`)).toContain('Type: regular')
  for (const gone of ['opt/old', 'etc/gone', 'etc/.wh.gone', 'opt/.wh..wh..opq']) {
    expect(await debugfs(disk, `stat ${root}/${gone}`)).not.toContain('Inode:')
  }
  const inode = async (path: string) => /^Inode: (\d+)/.exec(await debugfs(disk, `stat ${root}/${path}`))?.[1]
  expect(await inode('linked')).toBe(await inode('etc/owned'))
})

test('layers that are packed in another way than usual become the same', async () => {
  await pushLayeredImage(registry, 'berth/zstd:1', 'zstd')
  const { disk } = await fetched(images, 'berth/zstd:1')
  const [name] = (await debugfs(disk, 'ls -p /overlay')).match(/[0-9a-f]{64}/g) ?? []
  expect(await debugfs(disk, `cat /overlay/${name}/diff/usr/bin/tool`)).toBe('tool')
})

test('layers that are not what the image says of them are refused for good', async () => {
  await pushLayeredImage(registry, 'berth/false:1', 'gzip', `sha256:${'0'.repeat(64)}`)
  await expect(fetched(images, 'berth/false:1')).rejects.toMatchObject({
    message: expect.stringMatching(/^The image "docker.io\/berth\/false:1" cannot be unpacked: /) as string,
    retryable: false,
  })
})

test('of several versions of an image the one is taken that every host runs, whatever stands beside it', async () => {
  const url = (version: string) => `http://${registry.address}/v2/berth/layered/manifests/${version}`
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await (await fetch(url('1'), { headers: { accept: type } })).text()
  const put = async (version: string, mediaType: string, text: string) => {
    const sent = { method: 'PUT', headers: { 'content-type': mediaType }, body: text }
    expect((await fetch(url(version), sent)).status).toBe(201)
    return { mediaType, digest: sha256(text), size: Buffer.byteLength(text) }
  }
  const offered = { mediaType: type, digest: sha256(manifest), size: Buffer.byteLength(manifest) }
  // The same content by another digest, as what must not be taken.
  const other = await put('other', type, `${manifest}\n`)
  const [os, architecture] = ['linux', 'amd64']
  const indexOf = async (tag: string, manifests: object[]) => {
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    await put(tag, mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests }))
    return fetched(images, `berth/layered:${tag}`)
  }
  const { digest } = offered
  const faster = { ...other, platform: { os, architecture, variant: 'v3' } }
  const baseline = { ...offered, platform: { os, architecture } }
  for (const platform of [undefined, null, {}, { os: '', architecture: '' }]) {
    expect(await indexOf('told', [{ ...other, platform }, faster, baseline])).toMatchObject({ digest })
    expect(await indexOf('untold', [{ ...offered, platform }, faster])).toMatchObject({ digest })
  }
  await expect(indexOf('none', [faster])).rejects.toMatchObject({
    message: expect.stringContaining(
      'no version for linux/amd64, which guests run; it has linux/amd64/v3',
    ) as string,
    retryable: false,
  })
})

test.each([
  [60, 'is used on'],
  [80, 'is made anew, since no guest can mount it'],
])('a disk that an older server made of %i layers %s', async (layers) => {
  const image = await fetched(images, NAME)
  const store = await tempDir()
  await mkdir(join(store, 'overlay-layers'))
  const listed = Array.from({ length: layers }, () => ({ id: 'x' }))
  await writeFile(join(store, 'overlay-layers/layers.json'), JSON.stringify(listed))
  await rm(image.disk)
  await makeImageDisk(store, image.disk, await treeSize(store), new AbortController().signal)
  const manifest = join(dirname(image.disk), 'manifest.json')
  const noted = JSON.parse(await readFile(manifest, 'utf8')) as object
  await writeFile(manifest, JSON.stringify({ ...noted, format: 1 }))

  expect(await fetched(images, REFERENCE, image.digest)).toMatchObject({
    disk: image.disk,
    imageId: image.imageId,
  })
  const isNew = (await debugfs(image.disk, 'ls -p /')).includes('/overlay/')
  expect(isNew).toBe(layers > 60)
})
