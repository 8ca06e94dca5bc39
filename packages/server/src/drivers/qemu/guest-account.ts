import { HostError } from '@berth/contract/host/host-error'
import { isUserName } from '@berth/contract/user-name'
import { runCommand } from '../../host/run-command.ts'

/** The unprivileged host user that guests' processes run as. */
export interface GuestAccount {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Finds the guest user. Throws a HostError with the command that makes it when there is none. */
export async function lookupGuestAccount(name: string): Promise<GuestAccount> {
  if (!isUserName(name)) {
    throw new HostError(`The guest user's name "${name}" is not a Unix user name.`, { retryable: false })
  }
  const entry = await runCommand('getent', ['passwd', name], { timeoutMs: 10_000 }).catch(
    (error: unknown) => {
      const remedy = `useradd --system --no-create-home --shell /usr/sbin/nologin ${name}`
      throw new HostError(`The host user ${name}, which guests run as, does not exist.`, {
        retryable: false,
        cause: error,
        remedy,
      })
    },
  )
  const [, , uid, gid] = entry.trim().split(':')
  return { name, uid: Number(uid), gid: Number(gid) }
}

/**
 * The start of an argument vector that runs the rest as the guest user without any capability, and
 * without a way to regain one (setpriv(1)). `group` is a supplementary group's id; `diesWithParent` has
 * the kernel kill the program when the thread that started it ends.
 */
export function confinedAs(
  account: GuestAccount,
  options: { readonly group?: number; readonly diesWithParent?: boolean } = {},
): string[] {
  return [
    'setpriv',
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    options.group === undefined ? '--clear-groups' : `--groups=${options.group}`,
    '--inh-caps=-all',
    '--bounding-set=-all',
    '--no-new-privs',
    ...(options.diesWithParent === true ? ['--pdeathsig=KILL'] : []),
  ]
}
