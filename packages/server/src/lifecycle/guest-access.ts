import type { AccessAtStart } from '../drivers/machine-driver.ts'
import { accessOf, type GuestAccess, type PublishedSettings } from '../store/published-settings.ts'
import type { PhaseInput } from './deploy/phase.ts'

type Login = Pick<GuestAccess, 'password' | 'sshKeys'>

/** Whether the guest is known to have what is wanted. */
export function hasAccess(given: GuestAccess, wanted: Login): boolean {
  return given.unsettledKeys === undefined && isSame(given, wanted)
}

/**
 * What a guest that is about to start is to be told of who may log in, by its seed: an agent may be missing, and not
 * every guest has one.
 * @returns undefined where its seed says so already, or it has yet to take what the seed says at its first boot
 */
export function accessAtStart(
  { row, settings, access }: PhaseInput,
  user: string,
): AccessAtStart | undefined {
  if (row.machine_facts === null) return undefined
  const wanted = accessOf(settings)
  if (access.seeded === undefined ? hasAccess(access, wanted) : isSame(access.seeded, wanted))
    return undefined
  const { sshKeys, password } = wanted
  return {
    // Numbers of generations come again after a backup is restored; a step that is repeated begins when it began.
    stamp: `${row.deploy_generation}-${row.phase_started_at}`,
    user,
    sshKeys,
    formerSshKeys: formerKeys(access),
    ...(password === '' ? {} : { password }),
  }
}

/** Every key that the guest may have been given. */
export function formerKeys({ sshKeys, unsettledKeys = [], seeded }: GuestAccess): string[] {
  return [...new Set([...sshKeys, ...unsettledKeys, ...(seeded?.sshKeys ?? [])])]
}

/** What of a published password and keys a running guest does not have yet, as a sentence; "" when it has them. */
export function accessWaiting(given: GuestAccess, settings: PublishedSettings): string {
  const wanted = accessOf(settings)
  const what = [
    given.password === wanted.password ? '' : 'password',
    isSameList(given.sshKeys, wanted.sshKeys) ? '' : 'SSH keys',
  ].filter((part) => part !== '')
  if (what.length === 0) return ''
  const isOne = what.length === 1 && what[0] === 'password'
  const subject = `The new ${what.join(' and ')}`
  if (given.seeded && isSame(given.seeded, wanted))
    return `${subject} ${isOne ? 'was' : 'were'} handed to the guest for its start, and it has not said that it took ${isOne ? 'it' : 'them'}; stop and start it to hand ${isOne ? 'it' : 'them'} over again.`
  return `${subject} ${isOne ? 'applies' : 'apply'} when it is stopped and started again, since no guest agent answers in it.`
}

function isSame(one: Login, other: Login): boolean {
  return one.password === other.password && isSameList(one.sshKeys, other.sshKeys)
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
