import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isGuestImageName } from '@berth/contract/guest-image-name'
import { HostError } from '@berth/contract/host/host-error'
import type { GuestImage } from './guest-image.ts'
import { imageFromManifest, readManifest } from './manifest.ts'
import { recipeDigest } from './recipe.ts'
import { imageNames, recipeNamed } from './recipes.ts'

/** CACHE/images/NAME: holds one directory per build or import. */
export function imageDir(cacheDir: string, name: string): string {
  return join(cacheDir, 'images', name)
}

/**
 * The image of that name: the newest complete build of the current recipe, or the newest import. Null when a
 * recipe's image is not built (or only by an older recipe).
 *
 * @throws HostError for a name that is neither a recipe's nor an import's.
 */
export async function findImage(cacheDir: string, name: string): Promise<GuestImage | null> {
  const builds = await buildsOf(cacheDir, await knownName(cacheDir, name))
  const recipe = imageNames.includes(name) ? await recipeDigest(recipeNamed(name)) : undefined
  const usable = builds.filter((image) => recipe === undefined || image.recipe === recipe)
  return usable.toSorted(newestFirst)[0] ?? null
}

/** A build by its digest, whatever recipe it came from: what a machine that was made from it needs. */
export async function findImageByDigest(
  cacheDir: string,
  name: string,
  digest: string,
): Promise<GuestImage | null> {
  const builds = await buildsOf(cacheDir, await knownName(cacheDir, name))
  return builds.find((image) => image.digest === digest) ?? null
}

/** Every complete image in the cache, older builds and imports included; the newest of a name first. */
export async function listImages(cacheDir: string): Promise<GuestImage[]> {
  const images = await Promise.all((await allNames(cacheDir)).map((name) => buildsOf(cacheDir, name)))
  return images.flatMap((builds) => builds.toSorted(newestFirst))
}

/** The names of recipes, then of imports, whether or not anything is there for them. */
async function allNames(cacheDir: string): Promise<string[]> {
  const found = (await entriesOf(join(cacheDir, 'images'))).filter((name) => isGuestImageName(name))
  return [...new Set([...imageNames, ...found.toSorted()])]
}

async function knownName(cacheDir: string, name: string): Promise<string> {
  const names = await allNames(cacheDir)
  if (names.includes(name)) return name
  throw new HostError(
    `There is no guest image named '${name}'; there are: ${names.join(', ')}. Choose one of these in the profile.`,
    { retryable: false, remedy: `berth image import ${name} FILE` },
  )
}

async function buildsOf(cacheDir: string, name: string): Promise<GuestImage[]> {
  const parent = imageDir(cacheDir, name)
  const images: GuestImage[] = []
  for (const entry of await entriesOf(parent)) {
    const manifest = await readManifest(join(parent, entry)).catch((error: unknown) => {
      throw unreadable(join(parent, entry), error)
    })
    if (manifest?.name === name) images.push(imageFromManifest(join(parent, entry), manifest))
  }
  return images
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((entry) => !entry.startsWith('.'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(directory, error)
  }
}

function unreadable(directory: string, error: unknown): HostError {
  const { code } = error as NodeJS.ErrnoException
  return new HostError(
    `The image cache cannot be read: ${directory} (${code}). Run as root, or give --cache a directory of your own.`,
    { cause: error },
  )
}

function newestFirst(a: GuestImage, b: GuestImage): number {
  return b.createdAt.localeCompare(a.createdAt)
}
