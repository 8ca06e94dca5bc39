import { randomUUID } from 'node:crypto'
import { chown } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { readConsoleRing } from './console-log.ts'
import type { GuestAccount } from './guest-account.ts'
import { endGuestProcess, inspectProcess } from './guest-process.ts'
import { launchGuest } from './launch-guest.ts'
import { ensureInstancesDirectory, filesIn, type MachineFiles } from './machine-files.ts'
import { QmpClient } from './qmp-client.ts'
import { withScratchDirectory } from './scratch-directory.ts'

/** A kernel and an initrd that prints `userSpaceLine` on the serial console, by absolute paths. */
export interface ProbeImage {
  readonly kernel: string
  readonly initrd: string
}

/** What the probe's guest says once Linux runs programs; firmware and kernels print without that. */
const userSpaceLine = 'berth-tiny: user space'

/** Milliseconds that a guest has to reach user space, its start included. */
const probeDeadlineMs = 20_000

export interface ProbeHost {
  readonly installId: string
  readonly stateDir: string
  readonly account: GuestAccount
  readonly qemuBinary: string
  /** Group that opens /dev/kvm, when it takes one. */
  readonly group?: number
}

/**
 * Boots the probe image under an accelerator, as machines are, and answers null when it reached user
 * space within `deadlineMs`, else why not. Whatever happens, the guest is gone afterwards: the kernel ends it even
 * when this process dies.
 */
export async function bootProbe(
  accelerator: 'kvm' | 'tcg',
  image: ProbeImage,
  host: ProbeHost,
  deadlineMs = probeDeadlineMs,
): Promise<string | null> {
  await ensureInstancesDirectory(host.stateDir)
  return await withScratchDirectory(
    host.stateDir,
    async (directory) => await bootIn(directory, accelerator, image, host, deadlineMs),
  )
}

async function bootIn(
  directory: string,
  accelerator: 'kvm' | 'tcg',
  image: ProbeImage,
  host: ProbeHost,
  deadlineMs: number,
): Promise<string | null> {
  const deadline = Date.now() + deadlineMs
  let pid: number | undefined
  try {
    await chown(directory, host.account.uid, host.account.gid)
    const files = filesIn(directory)
    const plan = {
      installId: host.installId,
      id: randomUUID(),
      vcpus: 1,
      memoryMib: 256,
      accelerator,
      kernel: { image: image.kernel, initrd: image.initrd, arguments: ['console=ttyS0', 'panic=-1'] },
      volumes: false,
      nic: null,
    }
    pid = await launchGuest(plan, {
      files,
      account: host.account,
      qemuBinary: host.qemuBinary,
      namespace: null,
      diesWithServer: true,
      startTimeoutMs: deadlineMs,
      ...(host.group === undefined ? {} : { group: host.group }),
    })
    return await waitForUserSpace(files, deadline)
  } catch (error) {
    return (error as Error).message
  } finally {
    const owner = { installId: host.installId, uid: host.account.uid }
    const guest = pid === undefined ? undefined : await inspectProcess(pid, owner)
    if (guest !== undefined) await endGuestProcess(guest, 10_000)
  }
}

async function waitForUserSpace(files: MachineFiles, deadline: number): Promise<string | null> {
  const qmp = await QmpClient.connect(files.qmp, { timeoutMs: Math.max(1, deadline - Date.now()) })
  let said = ''
  try {
    while (Date.now() < deadline) {
      said = (said + (await readConsoleRing(qmp)).toString('latin1')).slice(-(1 << 20))
      if (said.includes(userSpaceLine)) return null
      await pause(100)
    }
  } finally {
    qmp.close()
  }
  const seen = said === '' ? 'it printed nothing' : 'it printed, then hung'
  return `a Linux guest did not reach user space in time (${seen})`
}
