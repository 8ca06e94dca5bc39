import { rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { discardUnlessUsed } from './discard.ts'
import type { GuestImage } from './guest-image.ts'
import { imageDir, listImages } from './image-store.ts'
import type { ImageUser } from './image-users.ts'
import { imageNames } from './recipes.ts'

/** An image that stayed, and why. */
export interface UsedImage {
  readonly image: GuestImage
  readonly users: readonly ImageUser[]
}

export interface Removal {
  readonly removed: readonly GuestImage[]
  readonly used: readonly UsedImage[]
}

/**
 * Removes the builds or imports of a name, or only those whose digest begins with `digest`; never one that a
 * disk of a machine stands on or that a process has open.
 * @param stateDirs where installations keep their machines
 * @throws HostError when there is no such image
 */
export async function removeUnusedImages(
  cacheDir: string,
  name: string,
  digest: string | undefined,
  stateDirs: readonly string[],
): Promise<Removal> {
  const all = (await listImages(cacheDir)).filter((image) => image.name === name)
  const chosen = all.filter((image) => digest === undefined || image.digest.startsWith(digest))
  if (chosen.length === 0) {
    const what = digest === undefined ? name : `${name}@${digest}`
    throw new HostError(`There is no guest image ${what} in ${cacheDir}. See: berth image list`, {
      retryable: false,
    })
  }
  const removed: GuestImage[] = []
  const used: UsedImage[] = []
  for (const image of chosen) {
    const users = await discardUnlessUsed(cacheDir, directoryOf(image), stateDirs)
    if (users.length === 0) removed.push(image)
    else used.push({ image, users })
  }
  // An import's name is known by its directory: the last one takes it along.
  if (!imageNames.includes(name)) await rmdir(imageDir(cacheDir, name)).catch(() => {})
  return { removed, used }
}

function directoryOf(image: GuestImage): string {
  return dirname(image.disk ?? image.kernel ?? image.initrd ?? '')
}
