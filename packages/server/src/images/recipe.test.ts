import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { recipeDigest, type ImageRecipe } from './recipe.ts'
import { imageNames, recipeNamed } from './recipes.ts'

async function exampleRecipe(): Promise<{ recipe: ImageRecipe; file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-recipe-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'init')
  await writeFile(file, 'one')
  const recipe: ImageRecipe = {
    name: 'example',
    revision: 1,
    packages: ['busybox-static'],
    kernelArguments: ['quiet'],
    defaultUser: 'root',
    settings: { modules: ['virtio_blk'] },
    files: { init: pathToFileURL(file) },
    tools: {},
    build: () => Promise.reject(new Error('not built here')),
  }
  return { recipe, file }
}

test('a recipe has the same digest every time', async () => {
  const { recipe } = await exampleRecipe()
  const digest = await recipeDigest(recipe)
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  expect(await recipeDigest({ ...recipe })).toBe(digest)
})

test('packages, arguments, settings, revision and the content of files each change the digest', async () => {
  const { recipe, file } = await exampleRecipe()
  const changed: ImageRecipe[] = [
    recipe,
    { ...recipe, packages: ['busybox'] },
    { ...recipe, kernelArguments: ['quiet', 'panic=1'] },
    { ...recipe, settings: { modules: [] } },
    { ...recipe, revision: 2 },
    { ...recipe, defaultUser: 'debian' },
  ]
  const digests = await Promise.all(changed.map(recipeDigest))
  await writeFile(file, 'two')
  digests.push(await recipeDigest(recipe))
  expect(new Set(digests).size).toBe(changed.length + 1)
})

test('the files of every recipe are there', async () => {
  for (const name of imageNames) await expect(recipeDigest(recipeNamed(name))).resolves.toHaveLength(64)
})
