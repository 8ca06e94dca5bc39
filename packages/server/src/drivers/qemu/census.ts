import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CensusEntry } from '@berth/contract/host/census'
import { errorCode } from '../../host/error-code.ts'
import { listGuestProcesses, type ProcessOwner } from './guest-process.ts'
import { filesIn, instancesDirectory, isMachineId } from './machine-files.ts'
import { listScratchDirectories } from './scratch-directory.ts'

/** Every process of the installation's machines, and every directory, disk and socket in its state. */
export async function machineCensus(stateDir: string, owner: ProcessOwner): Promise<CensusEntry[]> {
  const entries: CensusEntry[] = []
  for (const process of await listGuestProcesses(owner)) {
    entries.push({ kind: 'process', name: String(process.pid), owner: process.machineId })
  }
  for (const name of await list(instancesDirectory(stateDir))) {
    entries.push(...(await inDirectory(join(instancesDirectory(stateDir), name), name)))
  }
  for (const name of await listScratchDirectories(stateDir)) entries.push({ kind: 'directory', name })
  return entries
}

async function inDirectory(directory: string, name: string): Promise<CensusEntry[]> {
  const owner = isMachineId(name) ? { owner: name } : {}
  const entries: CensusEntry[] = [{ kind: 'directory', name: directory, ...owner }]
  const { disk, seed, containers, qmp, ready, agent } = filesIn(directory)
  for (const path of [disk, seed, containers, qmp, ready, agent]) {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile() === true || found?.isSymbolicLink() === true)
      entries.push({ kind: 'disk', name: path, ...owner })
    if (found?.isSocket() === true) entries.push({ kind: 'socket', name: path, ...owner })
  }
  return entries
}

async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
}
