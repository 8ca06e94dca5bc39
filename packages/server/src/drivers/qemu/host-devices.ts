import { chmod, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { HostError } from '@berth/contract/host/host-error'
import type { GuestAccount } from './guest-account.ts'

const kvmDevice = '/dev/kvm'
const tunDevice = '/dev/net/tun'

/** Whether the guest user can open /dev/kvm, by which group, and why not. */
export type KvmAccess =
  | { readonly usable: true; readonly group?: number }
  | { readonly usable: false; readonly reason: string }

/** Judges /dev/kvm by its mode and owner: `device` is its state, null when it does not exist. */
export function kvmAccess(
  device: Pick<Stats, 'mode' | 'uid' | 'gid'> | null,
  account: GuestAccount,
): KvmAccess {
  if (device === null) {
    const reason =
      '/dev/kvm does not exist: this host has no hardware virtualization, or it is off in its firmware, or ' +
      'the kernel module is not loaded (modprobe kvm_intel or kvm_amd)'
    return { usable: false, reason }
  }
  const allows = (bits: number): boolean => (device.mode & bits) === bits
  if (account.uid === 0 || (device.uid === account.uid && allows(0o600)) || allows(0o006))
    return { usable: true }
  // Membership of root's own group would open far more than this device.
  if (device.gid !== 0 && allows(0o060)) return { usable: true, group: device.gid }
  const mode = (device.mode & 0o777).toString(8).padStart(4, '0')
  const reason =
    `/dev/kvm (mode ${mode}, owner ${device.uid}:${device.gid}) is closed to the user ${account.name}. ` +
    'Run: groupadd --force --system kvm && chgrp kvm /dev/kvm && chmod 0660 /dev/kvm'
  return { usable: false, reason }
}

/** State of /dev/kvm; null when it does not exist. */
export async function statKvm(): Promise<Stats | null> {
  return await stat(kvmDevice).catch(() => null)
}

/**
 * Lets the guest user open /dev/net/tun. Mode 0666 is what udev gives it everywhere
 * (50-udev-default.rules): the kernel still asks who owns the tap. Throws a HostError when it is missing.
 */
export async function ensureTunDevice(log: (entry: object, message: string) => void): Promise<void> {
  const device = await stat(tunDevice).catch((error: unknown) => {
    const message = `${tunDevice} does not exist, so guests can have no network.`
    throw new HostError(message, { retryable: false, cause: error, remedy: 'modprobe tun' })
  })
  if ((device.mode & 0o006) === 0o006) return
  await chmod(tunDevice, 0o666)
  log({ device: tunDevice, mode: '0666' }, 'opened the tap device to the guest user, as udev does')
}
