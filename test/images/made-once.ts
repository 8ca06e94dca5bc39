import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { acquireProcessLock } from '../../packages/server/src/host/process-lock.ts'
import {
  createBuildDirectory,
  ensureReadableDir,
  removeBuildDirectory,
} from '../../packages/server/src/images/build-directory.ts'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { publishDirectory } from '../../packages/server/src/images/publish-directory.ts'
import { waitFor } from '../support/wait-for.ts'

const COMPLETE = 'complete'

/**
 * The directory CACHE/stand-ins/PLACE, shared by the checkouts of this machine and filled by `make` unless it is
 * there, whole or not at all; who comes second waits for the first.
 * @param place holds a digest of what decides the content
 * @param make gets the directory to fill and one for anything temporary
 */
export async function madeOnce(
  place: string,
  make: (output: string, work: string) => Promise<void>,
): Promise<string> {
  const cacheDir = imageCacheDir()
  const target = join(cacheDir, 'stand-ins', place)
  if (await whole(target)) return target
  await ensureReadableDir(dirname(target))
  const lock = await waitFor(() => acquireProcessLock(`${target}.lock`), {
    deadlineSeconds: 1200,
    what: `another run to make ${target}`,
    intervalMs: 500,
  })
  const directory = await createBuildDirectory(cacheDir)
  try {
    if (await whole(target)) return target
    const [output, work] = [join(directory, 'output'), join(directory, 'work')]
    await mkdir(output)
    await mkdir(work)
    await make(output, work)
    await writeFile(join(output, COMPLETE), '')
    return await publishDirectory(cacheDir, output, target, whole)
  } finally {
    lock.release()
    await removeBuildDirectory(directory)
  }
}

async function whole(directory: string): Promise<string | null> {
  return await stat(join(directory, COMPLETE)).then(
    () => directory,
    () => null,
  )
}
