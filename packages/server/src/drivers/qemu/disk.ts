import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from '../../host/error-code.ts'
import type { MachineSpec } from '../machine-driver.ts'
import { checkDiskSize } from '../machine-rules.ts'
import { damagedDisk, diskComplaint } from './disk-damage.ts'
import { confinedAs, type GuestAccount } from './guest-account.ts'
import { commitFile, fileNames, openPlainFile, pathExists, type MachineFiles } from './machine-files.ts'
import { commandFailure, Overrun, tryCommand, type CommandResult } from '../../host/run-command.ts'

/**
 * Creates the machine's disk on top of its image, at least `diskGib` large, or checks and grows the one it has when
 * `isFree` says that no process uses it. An existing disk is never replaced and never shrinks.
 * @throws HostError when the disk is damaged, or cannot be made
 */
export async function ensureOverlay(
  spec: MachineSpec,
  files: MachineFiles,
  account: GuestAccount,
  isFree: () => Promise<boolean>,
): Promise<void> {
  checkDiskSize(spec)
  const wanted = spec.diskGib * 2 ** 30
  if (await pathExists(files.disk)) {
    const size = await virtualSize(files.disk)
    if (!(await isFree())) return
    await checkOverlay(files, account)
    if (size >= wanted) return
    await asGuest(account, files, ['resize', '-q', '-f', 'qcow2', fileNames.disk, String(wanted)])
    return
  }
  const temporary = `${files.disk}.new`
  const base = spec.image.disk
  const size = base === undefined ? wanted : Math.max(wanted, await virtualSize(base))
  // An absolute path has no protocol prefix that QEMU could read into it.
  const backing = base === undefined ? [] : ['-F', 'qcow2', '-b', base]
  await asGuest(account, files, [
    'create',
    '-q',
    '-f',
    'qcow2',
    ...backing,
    basename(temporary),
    String(size),
  ])
  const file = await openPlainFile(temporary, constants.O_RDWR)
  await file.chmod(0o600).finally(() => file.close())
  await commitFile(temporary, files.disk)
}

/** How qemu-img(1) check ends when what the file holds does not fit together; that space is wasted is another code. */
const CORRUPT_CODE = 2

/**
 * Has QEMU check that the disk's tables fit its file: of one that was cut short, as a copy can be, a guest would read
 * zeros in the place of its data. A disk whose check takes too long passes.
 */
async function checkOverlay(files: MachineFiles, account: GuestAccount): Promise<void> {
  const words = ['check', '-q', '-f', 'qcow2', fileNames.disk]
  const isCorrupt = await qemuImg(account, files, words).then(
    ({ code, stderr }) => {
      const complaint = code === 1 ? diskComplaint(files.disk, stderr) : null
      if (complaint) throw complaint
      return code === CORRUPT_CODE
    },
    (error: unknown) => {
      if (!(error instanceof Overrun)) throw error
      return error.of === 'output'
    },
  )
  if (isCorrupt) throw damagedDisk(files.disk, 'qemu-img check finds errors in it')
}

/**
 * Size in bytes that a guest sees, from the header of a qcow2 file (docs/interop/qcow2: magic `QFI\xfb`,
 * big-endian size at byte 24). Throws a HostError when it is not one.
 */
export async function virtualSize(path: string): Promise<number> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const file = await open(path, flags).catch((error: unknown) => {
    throw new HostError(`The disk ${path} cannot be read (${errorCode(error)}).`, { cause: error })
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0)
    if (bytesRead === 32 && buffer.readUInt32BE(0) === 0x514649fb) return Number(buffer.readBigUInt64BE(24))
  } finally {
    await file.close()
  }
  throw damagedDisk(path, 'it is no qcow2 file')
}

async function asGuest(account: GuestAccount, files: MachineFiles, words: readonly string[]): Promise<void> {
  const result = await qemuImg(account, files, words)
  if (result.code === 0) return
  throw diskComplaint(files.disk, result.stderr) ?? commandFailure('qemu-img', result)
}

// The guest user runs qemu-img: the disk is its own from the start, an image that it cannot read fails
// here rather than at the start, and a disk that a guest tampered with is not parsed by root.
async function qemuImg(
  account: GuestAccount,
  files: MachineFiles,
  words: readonly string[],
): Promise<CommandResult> {
  const [program, ...rest] = [...confinedAs(account), 'qemu-img', ...words]
  return await tryCommand(program!, rest, { cwd: files.directory, timeoutMs: 60_000 })
}
