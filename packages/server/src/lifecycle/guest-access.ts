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
  const { seeded } = access
  const isSaid =
    seeded === undefined ? hasAccess(access, wanted) : seeded.unwritten !== true && isSame(seeded, wanted)
  if (isSaid) return undefined
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

/**
 * What is known of a guest that has started, by the stamp of the last change that it made by itself.
 * @param stamp as it reported; undefined where it has made none
 * @returns undefined where nothing is new
 */
export function accessAfterStart(access: GuestAccess, stamp: string | undefined): GuestAccess | undefined {
  const { seeded, taken } = access
  if (stamp === undefined || stamp === taken) return undefined
  // It read its seed when a change stood there that has been replaced since.
  if (seeded?.stamp !== stamp) return { ...access, unsettledKeys: formerKeys(access), taken: stamp }
  const { password, sshKeys } = seeded
  return { password, sshKeys, seeded, taken: stamp }
}

/** Every key that the guest may have been given. */
export function formerKeys({ sshKeys, unsettledKeys = [], seeded }: GuestAccess): string[] {
  return [...new Set([...sshKeys, ...unsettledKeys, ...(seeded?.sshKeys ?? [])])]
}

/** What of a published password and keys a running guest does not have yet, as a sentence; "" when it has them. */
export function accessWaiting(given: GuestAccess, settings: PublishedSettings): string {
  const wanted = accessOf(settings)
  if (hasAccess(given, wanted)) return ''
  const differs = [
    given.password === wanted.password ? '' : 'password',
    isSameList(given.sshKeys, wanted.sshKeys) ? '' : 'SSH keys',
  ].filter((part) => part !== '')
  // Where it is not known what the guest has, it may be anything.
  const what = differs.length === 0 ? ['password', 'SSH keys'] : differs
  const isOne = what.length === 1 && what[0] === 'password'
  const subject = `The new ${what.join(' and ')}`
  if (given.seeded && isSame(given.seeded, wanted))
    return `${subject} ${isOne ? 'was' : 'were'} handed to the guest for its start, and it has not said that it took ${isOne ? 'it' : 'them'}; stop and start it to hand ${isOne ? 'it' : 'them'} over again.`
  const why =
    given.refusedIn === undefined
      ? 'no guest agent answers in it'
      : 'the guest agent in it is configured to refuse the change'
  return `${subject} ${isOne ? 'applies' : 'apply'} when it is stopped and started again, since ${why}.`
}

function isSame(one: Login, other: Login): boolean {
  return one.password === other.password && isSameList(one.sshKeys, other.sshKeys)
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
