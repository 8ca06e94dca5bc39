import { readlink, rename, rm, symlink } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from '../../host/error-code.ts'
import type { MachineSpec } from '../machine-driver.ts'
import type { MachineFiles } from './machine-files.ts'

/**
 * Links the machine's container disk, a file in a cache that machines share, into its directory; without one
 * the link goes. While a process uses the machine (`mayChange` says no) the link stays as it is: it then tells
 * which disk the process has, for whoever cleans the cache.
 */
export async function ensureContainerDisk(
  { containerDisk }: Pick<MachineSpec, 'containerDisk'>,
  files: MachineFiles,
  mayChange: () => Promise<boolean>,
): Promise<void> {
  if (containerDisk !== undefined && !isAbsolute(containerDisk)) {
    throw new HostError('The path of the container disk must be absolute.', { retryable: false })
  }
  if ((await linkedDisk(files.containers)) === containerDisk || !(await mayChange())) return
  if (containerDisk === undefined) return await rm(files.containers, { force: true })
  const temporary = `${files.containers}.new`
  await rm(temporary, { force: true })
  await symlink(containerDisk, temporary)
  await rename(temporary, files.containers)
}

/** Where a link leads; undefined when there is none, null when something else stands there. */
async function linkedDisk(path: string): Promise<string | null | undefined> {
  return await readlink(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    if (errorCode(error) === 'EINVAL') return null
    throw error
  })
}
