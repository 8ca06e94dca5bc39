import { applicationProblem, type GuestWords } from '@berth/contract/application/application-problem'
import { HostError } from '@berth/contract/host/host-error'
import { MACHINE_LIMITS } from '@berth/contract/machine-limits'
import { isObjectName } from '@berth/contract/object-name'
import { passwordProblem } from '@berth/contract/password'
import { isKeyLine } from '@berth/contract/ssh-public-key'
import { isUserName } from '@berth/contract/user-name'
import type { AccessChange, MachineIdentity, MachineSpec } from './machine-driver.ts'

/*
 * What no driver does for a machine. The rules are the contract's, by which the API refuses first; so a simulated host
 * refuses what a real one would. All throw a HostError that trying again cannot help.
 */

/** A guest copies name, user and keys into files such as /etc/hosts and /etc/sudoers.d as they are. */
export function checkIdentity({
  hostname,
  user,
  password = '',
  sshKeys,
}: Omit<MachineIdentity, 'password'> & { readonly password?: string | undefined }): void {
  if (!isObjectName(hostname)) refuseGuest('its host name is not a host name (RFC 1123)')
  if (!isUserName(user)) refuseGuest('its user name is not a Unix user name')
  if (!sshKeys.every(isKeyLine)) refuseGuest('an SSH key holds a line break')
  if (password !== '') checkPassword(password)
}

/** Keys that are to go need not be what is taken today. */
export function checkAccess({ user, password, sshKeys }: AccessChange): void {
  if (!isUserName(user)) refuseGuest('its user name is not a Unix user name')
  if (!sshKeys.every(isKeyLine)) refuseGuest('an SSH key holds a line break')
  if (password !== undefined) checkPassword(password)
}

export function checkPassword(password: string): void {
  const problem = passwordProblem(password)
  if (problem === null) return
  throw new HostError(`The password cannot be set: it ${problem}.`, { retryable: false })
}

export function checkDiskSize({ diskGib }: Pick<MachineSpec, 'diskGib'>): void {
  checkWithin('The disk', diskGib, MACHINE_LIMITS.diskGib, 'GiB')
}

export function checkSize({ vcpus, memoryMib }: Pick<MachineSpec, 'vcpus' | 'memoryMib'>): void {
  checkWithin('The machine', vcpus, MACHINE_LIMITS.vcpus, 'vCPUs')
  checkWithin('The machine', memoryMib, MACHINE_LIMITS.memoryMib, 'MiB of memory')
}

export function checkApplication(application: GuestWords): void {
  const problem = applicationProblem(application)
  if (problem === null) return
  throw new HostError(`The application cannot run: ${problem}.`, { retryable: false })
}

function refuseGuest(why: string): never {
  throw new HostError(`The guest cannot be configured: ${why}.`, { retryable: false })
}

function checkWithin(
  what: string,
  number: number,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
  unit: string,
): void {
  if (Number.isInteger(number) && number >= minimum && number <= maximum) return
  throw new HostError(`${what} must have ${minimum} to ${maximum} ${unit}.`, { retryable: false })
}
