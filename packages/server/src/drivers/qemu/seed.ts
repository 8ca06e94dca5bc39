import { constants } from 'node:fs'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import type { AccessAtStart, MachineSpec } from '../machine-driver.ts'
import { accessFile } from './access-at-start.ts'
import { seedFiles, type SeedFiles } from './cloud-config.ts'
import type { GuestAccount } from './guest-account.ts'
import { commitFile, fileNames, openPlainFile, pathExists, type MachineFiles } from './machine-files.ts'
import { hashPassword } from './password-hash.ts'
import { runCommand } from '../../host/run-command.ts'
import { withScratchDirectory } from './scratch-directory.ts'

/** Size of the seed volume in bytes; a FAT file system takes a few sectors of it. */
const seedBytes = 2 << 20

/** Largest sum of the seed's texts in bytes. */
const maxContent = 1 << 20

/**
 * Writes the machine's seed unless it is there: but for a change that the guest is to make by itself it never changes,
 * as the instance-id does not either.
 */
export async function ensureSeedVolume(
  spec: MachineSpec,
  change: AccessAtStart | undefined,
  stateDir: string,
  files: MachineFiles,
  account: GuestAccount,
): Promise<void> {
  if (change === undefined && (await pathExists(files.seed))) return
  const { password, ...identity } = spec.identity
  const passwordHash = await hashOf(password)
  const contents = seedFiles({
    id: spec.id,
    nic: spec.nic,
    identity,
    passwordHash,
    ...(change && { accessFile: accessFile(change, await hashOf(change.password)) }),
  })
  const image = await withScratchDirectory(
    stateDir,
    async (directory) => await buildSeedVolume(contents, directory),
  )
  const temporary = `${files.seed}.new`
  await rm(temporary, { force: true })
  const file = await openPlainFile(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
  try {
    await file.writeFile(image)
    await file.chown(account.uid, account.gid)
  } finally {
    await file.close()
  }
  await commitFile(temporary, files.seed)
}

async function hashOf(password: string | undefined): Promise<string | undefined> {
  return password === undefined || password === '' ? undefined : await hashPassword(password)
}

/** A FAT volume labelled CIDATA with the files in its root, as bytes; nothing is mounted. */
export async function buildSeedVolume(contents: SeedFiles, directory: string): Promise<Buffer> {
  const size = Object.values(contents).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (size > maxContent) {
    const message = `The guest's configuration has ${size} bytes, more than ${maxContent}.`
    throw new HostError(message, { retryable: false })
  }
  const image = join(directory, fileNames.seed)
  const file = await open(image, 'wx', 0o600)
  await file.truncate(seedBytes).finally(() => file.close())
  await runCommand('mkfs.vfat', ['-n', 'CIDATA', image])
  const sources: string[] = []
  for (const [name, text] of Object.entries(contents)) {
    const source = join(directory, name)
    await writeFile(source, text, { mode: 0o600 })
    sources.push(source)
  }
  await runCommand('mcopy', ['-i', image, ...sources, '::'])
  return await readFile(image)
}
