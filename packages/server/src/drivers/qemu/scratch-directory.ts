import { mkdtemp, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../host/error-code.ts'
import { removeMachineDirectory } from './machine-files.ts'

const prefix = 'scratch-'

/** Milliseconds after which no scratch directory is in use: everything that takes one has a shorter deadline. */
const staleAfterMs = 600_000

/**
 * Makes a directory in the state directory (0700, root's), gives it to `task`, and removes it. What a
 * killed server left behind goes when the next one is made, ten minutes later at the earliest.
 */
export async function withScratchDirectory<T>(
  stateDir: string,
  task: (directory: string) => Promise<T>,
): Promise<T> {
  for (const left of await listScratchDirectories(stateDir)) {
    const found = await stat(left).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > staleAfterMs) await removeMachineDirectory(left)
  }
  const directory = await mkdtemp(join(stateDir, prefix))
  try {
    return await task(directory)
  } finally {
    await removeMachineDirectory(directory)
  }
}

/** Absolute paths of the scratch directories that there are. */
export async function listScratchDirectories(stateDir: string): Promise<string[]> {
  const names = await readdir(stateDir).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(stateDir, name))
}
