import { readdir, rename, rm, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { GuestImage } from './guest-image.ts'
import { imageFromManifest, readManifest } from './manifest.ts'
import { recipeDigest } from './recipe.ts'
import { imageNames, recipeNamed } from './recipes.ts'

/** CACHE/images/NAME: holds one directory per build. */
export function imageDir(cacheDir: string, name: string): string {
  return join(cacheDir, 'images', name)
}

/**
 * The newest complete image of the current recipe; null when it is not built (or only by an older recipe).
 *
 * @throws HostError for a name without a recipe.
 */
export async function findImage(cacheDir: string, name: string): Promise<GuestImage | null> {
  const recipe = await recipeDigest(recipeNamed(name))
  const builds = await buildsOf(cacheDir, name)
  return builds.filter((image) => image.recipe === recipe).toSorted(newestFirst)[0] ?? null
}

/** A build by its digest, whatever recipe it came from: what a machine that was made from it needs. */
export async function findImageByDigest(
  cacheDir: string,
  name: string,
  digest: string,
): Promise<GuestImage | null> {
  const builds = await buildsOf(cacheDir, recipeNamed(name).name)
  return builds.find((image) => image.digest === digest) ?? null
}

/** Every complete image in the cache, builds of older recipes included; the newest of a name first. */
export async function listImages(cacheDir: string): Promise<GuestImage[]> {
  const images = await Promise.all(imageNames.map((name) => buildsOf(cacheDir, name)))
  return images.flatMap((builds) => builds.toSorted(newestFirst))
}

/**
 * Removes the builds of a name from the cache, or only those with `digest`. Nothing happens when there are
 * none. Machines made from a removed build cannot start again: whoever calls this checks that first.
 *
 * @returns how many builds were removed.
 */
export async function removeImage(cacheDir: string, name: string, digest?: string): Promise<number> {
  const parent = imageDir(cacheDir, recipeNamed(name).name)
  let removed = 0
  for (const entry of await entriesOf(parent)) {
    const directory = join(parent, entry)
    if (digest !== undefined && (await readManifest(directory))?.digest !== digest) continue
    await discard(cacheDir, directory)
    removed += 1
  }
  return removed
}

/** Takes a directory out of the cache in one step, so that no reader meets half of it, then deletes it. */
export async function discard(cacheDir: string, directory: string): Promise<void> {
  const trash = join(cacheDir, 'tmp', `trash-${randomUUID()}`)
  await mkdir(join(cacheDir, 'tmp'), { recursive: true })
  try {
    await rename(directory, trash)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await rm(trash, { recursive: true, force: true })
}

async function buildsOf(cacheDir: string, name: string): Promise<GuestImage[]> {
  const parent = imageDir(cacheDir, name)
  const images: GuestImage[] = []
  for (const entry of await entriesOf(parent)) {
    const manifest = await readManifest(join(parent, entry))
    if (manifest?.name === name) images.push(imageFromManifest(join(parent, entry), manifest))
  }
  return images
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((entry) => !entry.startsWith('.'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function newestFirst(a: GuestImage, b: GuestImage): number {
  return b.createdAt.localeCompare(a.createdAt)
}
