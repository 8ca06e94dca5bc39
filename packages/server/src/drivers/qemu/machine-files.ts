import { constants } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from '../../host/error-code.ts'
import type { GuestAccount } from './guest-account.ts'

/** Names inside a machine's directory; QEMU runs in it and uses them as they are. */
export const fileNames = {
  disk: 'disk.qcow2',
  seed: 'seed.img',
  /** A symbolic link to the container disk, for machines with one. */
  containers: 'containers.img',
  qmp: 'qmp.sock',
  ready: 'ready.sock',
  agent: 'agent.sock',
  consoleLog: 'console.log',
  qemuLog: 'qemu.log',
} as const

/** Absolute paths of what a machine has on the host. */
export type MachineFiles = Readonly<Record<keyof typeof fileNames | 'directory', string>>

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether `id` can name a machine: a lower-case UUID. */
export function isMachineId(id: string): boolean {
  return uuid.test(id)
}

export function instancesDirectory(stateDir: string): string {
  return join(stateDir, 'instances')
}

/** Where machine `id` lives. Throws a HostError when `id` is not a UUID, so that no path can escape. */
export function machineFiles(stateDir: string, id: string): MachineFiles {
  if (!isMachineId(id)) {
    throw new HostError(`"${id.slice(0, 50)}" is not the id of a machine.`, { retryable: false })
  }
  return filesIn(join(instancesDirectory(stateDir), id))
}

/** The same names in any directory. */
export function filesIn(directory: string): MachineFiles {
  const paths = Object.entries(fileNames).map(([key, name]) => [key, join(directory, name)])
  return { directory, ...Object.fromEntries(paths) }
}

/** Longest path of a Unix socket in bytes: sun_path without its closing NUL (unix(7)). */
const maxSocketPath = 107

/** Throws a HostError when sockets below `stateDir` could not be reached. */
export function checkStateDir(stateDir: string): void {
  if (!isAbsolute(stateDir)) {
    throw new HostError(`The state directory "${stateDir}" must be an absolute path.`, { retryable: false })
  }
  const id = '00000000-0000-4000-8000-000000000000'
  const longest = join(instancesDirectory(stateDir), id, fileNames.ready)
  const excess = Buffer.byteLength(longest) - maxSocketPath
  if (excess > 0) {
    const message =
      `The state directory "${stateDir}" is ${excess} bytes too long: Unix sockets below it may have at ` +
      `most ${maxSocketPath} bytes of path. Choose a shorter one, such as /var/lib/berth.`
    throw new HostError(message, { retryable: false })
  }
}

/** Creates the directories above machines: anybody may pass through, only root may look or write. */
export async function ensureInstancesDirectory(stateDir: string): Promise<void> {
  for (const directory of [stateDir, instancesDirectory(stateDir)]) {
    await mkdir(directory, { recursive: true, mode: 0o711 })
    await chmod(directory, 0o711)
  }
}

/** Creates a machine's directory, which belongs to the guest user alone. */
export async function ensureMachineDirectory(directory: string, account: GuestAccount): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  await chown(directory, account.uid, account.gid)
}

/** Removes a machine's directory with all it holds. Taking it from the guest user first leaves no race. */
export async function removeMachineDirectory(directory: string): Promise<void> {
  if (!(await pathExists(directory))) return
  await chown(directory, 0, 0)
  await chmod(directory, 0o700)
  await rm(directory, { recursive: true, force: true, maxRetries: 2 })
}

export async function pathExists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false
      throw error
    },
  )
}

/**
 * Opens a regular file in a directory that a less trusted user may write: a symbolic link, pipe or device
 * put in its place is an error, and never followed or waited for. `flags` are those of open(2).
 */
export async function openPlainFile(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new HostError(`${path} is not a regular file. Remove it.`, { retryable: false })
}

/** Moves a finished file into its place so that a crash leaves either none or the whole of it. */
export async function commitFile(temporary: string, path: string): Promise<void> {
  const file = await openPlainFile(temporary, constants.O_RDWR)
  await file.sync().finally(() => file.close())
  await rename(temporary, path)
  const directory = await open(dirname(path), constants.O_RDONLY)
  await directory.sync().finally(() => directory.close())
}
