import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { confinedAs, type GuestAccount } from './guest-account.ts'
import { missingProgram } from '../../host/missing-program.ts'
import { commandEnvironment, runCommand } from '../../host/run-command.ts'

const programs = ['flock', 'setpriv', 'ip', 'qemu-img', 'mkfs.vfat', 'mcopy', 'openssl']

/** Throws a HostError when the server is not root, which it must be to give guests another user. */
export function checkRoot(): void {
  if (process.getuid?.() === 0) return
  throw new HostError('Real guests need the server to run as root.', {
    remedy: 'sudo berth serve',
    retryable: false,
  })
}

/** Throws a HostError that says what to install when a program that the driver runs is missing. */
export async function checkPrograms(qemuBinary: string): Promise<void> {
  for (const program of [qemuBinary, ...programs]) {
    if (!(await isInstalled(program))) throw missingProgram(program)
  }
}

/** Whether a program is on this host, by its path or its name. */
export async function isInstalled(program: string): Promise<boolean> {
  const directories = commandEnvironment['PATH']?.split(':') ?? []
  const paths = program.includes('/') ? [program] : directories.map((directory) => join(directory, program))
  for (const path of paths) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isExecutable) return true
  }
  return false
}

/** Throws a HostError when the guest user cannot pass through `directory` or one above it. */
export async function checkReachable(directory: string, account: GuestAccount): Promise<void> {
  const [program, ...words] = [...confinedAs(account), 'test', '-x', directory]
  await runCommand(program, words).catch((error: unknown) => {
    throw new HostError(`The user ${account.name} cannot reach ${directory}.`, {
      retryable: false,
      cause: error,
      remedy: 'chmod o+x on it and on every directory above it, or another --state',
    })
  })
}
