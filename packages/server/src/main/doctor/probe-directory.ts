import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Where the accelerator's test guest keeps its files: STATE of an installation. A host without one is only
 * looked at, so there it is a directory of its own, which is removed; below /tmp, through which the guests'
 * user can pass, whatever TMPDIR says.
 */
export async function withProbeDirectory<T>(
  state: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  if (existsSync(join(state, 'berth.db'))) return await work(state)
  const directory = await mkdtemp('/tmp/berth-doctor-')
  try {
    await chmod(directory, 0o711)
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
