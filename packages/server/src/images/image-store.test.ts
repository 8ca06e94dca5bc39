import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findImage, findImageByDigest, imageDir, listImages } from './image-store.ts'
import { writeManifest } from './manifest.ts'
import { recipeDigest } from './recipe.ts'
import { recipeNamed } from './recipes.ts'
import { verifyImage } from './verify-image.ts'

let cacheDir: string

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'berth-images-'))
})
afterEach(() => rm(cacheDir, { recursive: true, force: true }))

async function fakeImage(name: string, recipe: string, content: string, directoryName = recipe) {
  const directory = join(imageDir(cacheDir, name), directoryName)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'kernel'), content, { mode: 0o600 })
  await writeFile(join(directory, 'initrd'), 'initrd')
  const manifest = await writeManifest(directory, {
    name,
    recipe,
    bootMode: 'kernel',
    kernelArguments: ['quiet'],
    defaultUser: 'root',
    files: { kernel: 'kernel', initrd: 'initrd' },
  })
  return { directory, manifest }
}

const currentRecipe = (name: string) => recipeDigest(recipeNamed(name))

test('an image of the current recipe is found, with absolute and readable files', async () => {
  const { directory, manifest } = await fakeImage('tiny', await currentRecipe('tiny'), 'kernel')
  const image = await findImage(cacheDir, 'tiny')
  expect(image).toEqual({
    name: 'tiny',
    digest: manifest.digest,
    bootMode: 'kernel',
    kernel: join(directory, 'kernel'),
    initrd: join(directory, 'initrd'),
    kernelArguments: ['quiet'],
    defaultUser: 'root',
    sizeBytes: 12,
    createdAt: manifest.createdAt,
    recipe: manifest.recipe,
  })
  expect((await stat(image!.kernel!)).mode & 0o777).toBe(0o644)
})

test('nothing is found in an empty cache, without a manifest, or with a damaged one', async () => {
  expect(await findImage(cacheDir, 'tiny')).toBeNull()
  expect(await listImages(cacheDir)).toEqual([])
  const directory = join(imageDir(cacheDir, 'tiny'), await currentRecipe('tiny'))
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'kernel'), 'kernel')
  expect(await findImage(cacheDir, 'tiny')).toBeNull()
  await writeFile(join(directory, 'manifest.json'), '{"format":1')
  expect(await findImage(cacheDir, 'tiny')).toBeNull()
})

test('a manifest cannot name files outside its directory', async () => {
  const { directory, manifest } = await fakeImage('tiny', await currentRecipe('tiny'), 'kernel')
  const kernel = { ...manifest.files.kernel, file: '../../../shadow' }
  const changed = { ...manifest, files: { ...manifest.files, kernel } }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(changed))
  expect(await findImage(cacheDir, 'tiny')).toBeNull()
})

test('a build of an older recipe is listed and found by digest, but is not the image', async () => {
  const { manifest } = await fakeImage('tiny', 'a'.repeat(64), 'old kernel')
  expect(await findImage(cacheDir, 'tiny')).toBeNull()
  expect((await listImages(cacheDir)).map((image) => image.digest)).toEqual([manifest.digest])
  expect((await findImageByDigest(cacheDir, 'tiny', manifest.digest))?.recipe).toBe('a'.repeat(64))
  expect(await findImageByDigest(cacheDir, 'tiny', 'b'.repeat(64))).toBeNull()
})

test('of two builds of one recipe the newer one is the image, and the older one stays', async () => {
  const recipe = await currentRecipe('tiny')
  const first = await fakeImage('tiny', recipe, 'first kernel')
  await expect.poll(() => new Date().toISOString()).not.toBe(first.manifest.createdAt)
  const second = await fakeImage('tiny', recipe, 'second kernel', `${recipe}.20260101T000000Z-1`)
  expect((await findImage(cacheDir, 'tiny'))?.digest).toBe(second.manifest.digest)
  expect(await listImages(cacheDir)).toHaveLength(2)
})

test('the digest depends on what boots, not on when it was built', async () => {
  const one = await fakeImage('tiny', 'a'.repeat(64), 'kernel')
  const same = await fakeImage('tiny', 'b'.repeat(64), 'kernel')
  const other = await fakeImage('tiny', 'c'.repeat(64), 'another kernel')
  expect(same.manifest.digest).toBe(one.manifest.digest)
  expect(other.manifest.digest).not.toBe(one.manifest.digest)
})

test('verification passes an untouched image and names what is wrong with another', async () => {
  const { directory } = await fakeImage('tiny', await currentRecipe('tiny'), 'kernel')
  const image = (await findImage(cacheDir, 'tiny'))!
  expect(await verifyImage(image)).toEqual({ ok: true, problems: [] })
  await writeFile(join(directory, 'kernel'), 'KERNEL')
  await rm(join(directory, 'initrd'))
  const { ok, problems } = await verifyImage(image)
  expect(ok).toBe(false)
  expect(problems).toEqual([
    `${join(directory, 'kernel')} has changed since it was built.`,
    `${join(directory, 'initrd')} is missing.`,
  ])
  await rm(join(directory, 'manifest.json'))
  expect((await verifyImage(image)).ok).toBe(false)
})

test('an unknown name is refused with the names there are', async () => {
  await expect(findImage(cacheDir, '../etc')).rejects.toThrow("There is no guest image named '../etc'")
  await expect(findImage(cacheDir, 'debian-13')).rejects.toThrow('tiny, debian-12')
})

test('an import stands beside what is built: the newest of its name is the image', async () => {
  await fakeImage('tiny', await currentRecipe('tiny'), 'kernel')
  const first = await fakeImage('noble', 'a'.repeat(64), 'first', 'a')
  await expect.poll(() => new Date().toISOString()).not.toBe(first.manifest.createdAt)
  const second = await fakeImage('noble', 'b'.repeat(64), 'second', 'b')
  expect((await findImage(cacheDir, 'noble'))?.digest).toBe(second.manifest.digest)
  expect((await listImages(cacheDir)).map((image) => image.name)).toEqual(['tiny', 'noble', 'noble'])
  await expect(findImage(cacheDir, 'jammy')).rejects.toThrow('debian-12, debian-12-services, noble.')
})

test('a cache that cannot be read is a sentence that names the place', async () => {
  await writeFile(join(cacheDir, 'images'), 'not a directory')
  await expect(listImages(cacheDir)).rejects.toThrow(
    `The image cache cannot be read: ${join(cacheDir, 'images')} (ENOTDIR). Run as root`,
  )
})
