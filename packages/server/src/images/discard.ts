import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { imageUsers, type ImageUser } from './image-users.ts'

/** Takes a directory out of the cache in one step, so that no reader meets half of it, then deletes it. */
export async function discard(cacheDir: string, directory: string): Promise<void> {
  const trash = trashIn(cacheDir)
  await mkdir(dirname(trash), { recursive: true })
  try {
    await rename(directory, trash)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await rm(trash, { recursive: true, force: true })
}

/**
 * The same, unless somebody uses a file of the directory; answers who. It goes out of the way first and is then
 * looked at again: a machine that took the image between a look and a removal would lose its disk.
 * @param stateDirs where installations keep their machines
 */
export async function discardUnlessUsed(
  cacheDir: string,
  directory: string,
  stateDirs: readonly string[],
): Promise<ImageUser[]> {
  const before = await imageUsers(directory, stateDirs)
  if (before.length > 0) return before
  const trash = trashIn(cacheDir)
  await mkdir(dirname(trash), { recursive: true })
  await rename(directory, trash)
  // Open files are now known by their new place.
  const since = [...(await imageUsers(directory, stateDirs)), ...(await imageUsers(trash, []))]
  if (since.length > 0) {
    await rename(trash, directory)
    return since
  }
  await rm(trash, { recursive: true, force: true })
  return []
}

function trashIn(cacheDir: string): string {
  return join(cacheDir, 'tmp', `trash-${randomUUID()}`)
}
