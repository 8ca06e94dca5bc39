import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readQcow2Header } from './import/qcow2-header.ts'

/** In a machine's directory: the symbolic link to the disk of the container image that it uses. */
const containersLink = 'containers.img'

/** Something that would break if an image went away. */
export interface ImageUser {
  /** `disk`: a machine's disk stands on it or is it, running or not. `process`: a running program has it open. */
  readonly kind: 'disk' | 'process'
  /** The disk's path, or `name (pid 123)`. */
  readonly name: string
}

/**
 * Who uses the files in an image's directory: the disks of machines in the given state directories, and any
 * process of the host, whosever it is.
 */
export async function imageUsers(directory: string, stateDirs: readonly string[]): Promise<ImageUser[]> {
  const disks = await Promise.all(stateDirs.map((state) => disksOn(directory, join(state, 'instances'))))
  return [...disks.flat(), ...(await processesOn(directory))]
}

async function disksOn(directory: string, instances: string): Promise<ImageUser[]> {
  const users: ImageUser[] = []
  for (const id of await list(instances)) {
    for (const file of ['disk.qcow2', 'disk.qcow2.new']) {
      const path = join(instances, id, file)
      const backing = await readQcow2Header(path).then(
        (header) => header?.backingFile,
        () => null,
      )
      if (backing?.startsWith(`${directory}/`)) users.push({ kind: 'disk', name: path })
    }
    const link = join(instances, id, containersLink)
    const target = await readlink(link).catch(() => '')
    if (target.startsWith(`${directory}/`)) users.push({ kind: 'disk', name: link })
  }
  return users
}

async function processesOn(directory: string): Promise<ImageUser[]> {
  const users: ImageUser[] = []
  for (const pid of (await list('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const isUser =
      words.some((word) => word.startsWith(`${directory}/`)) || (await hasOpen(`/proc/${pid}/fd`, directory))
    if (isUser) users.push({ kind: 'process', name: `${basename(words[0] ?? '')} (pid ${pid})` })
  }
  return users
}

async function hasOpen(descriptors: string, directory: string): Promise<boolean> {
  for (const descriptor of await list(descriptors)) {
    const target = await readlink(join(descriptors, descriptor)).catch(() => '')
    if (target.startsWith(`${directory}/`)) return true
  }
  return false
}

/** What a directory holds; nothing when it is not there, or when its process has just ended. */
async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => [])
}
