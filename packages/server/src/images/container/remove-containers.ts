import { discardUnlessUsed } from '../discard.ts'
import type { ImageUser } from '../image-users.ts'
import { type CachedContainer, forgetMeanings, listContainers } from './container-cache.ts'

/** A container image that stayed, and why. */
export interface UsedContainer {
  readonly image: CachedContainer
  readonly users: readonly ImageUser[]
}

export interface ContainerRemoval {
  readonly removed: readonly CachedContainer[]
  readonly used: readonly UsedContainer[]
}

/**
 * Removes container images, but none that a machine has as its disk or a process has open.
 * @param stateDirs where installations keep their machines
 */
export async function removeContainers(
  cacheDir: string,
  images: readonly CachedContainer[],
  stateDirs: readonly string[],
): Promise<ContainerRemoval> {
  const removed: CachedContainer[] = []
  const used: UsedContainer[] = []
  for (const image of images) {
    const users = await discardUnlessUsed(cacheDir, image.directory, stateDirs)
    if (users.length === 0) removed.push(image)
    else used.push({ image, users })
  }
  await forgetMeanings(cacheDir, new Set((await listContainers(cacheDir)).map(({ digest }) => digest)))
  return { removed, used }
}
