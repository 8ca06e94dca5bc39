import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import type { MachineSettings } from '@berth/contract/machine-settings'
import type { SecretBox } from './secret-box.ts'
import type { ComputeInstanceRow } from './schema.ts'

/** What publish asked for: the settings, secrets included, that the reconciler works towards. */
export interface PublishedSettings extends MachineSettings {
  readonly guestImage: string
  /** True when neither a password nor a key was given and the password was made up. */
  readonly passwordGenerated: boolean
  /** What a service runs on its machine; absent for a compute instance. */
  readonly application?: ApplicationSettings
}

/** What lets people into a guest; the part of the settings that can change while it runs. */
export interface GuestAccess {
  readonly password: string
  readonly sshKeys: readonly string[]
  /** Keys of a change that has begun and may or may not have happened; absent while what the guest has is known. */
  readonly unsettledKeys?: readonly string[]
  /**
   * What the seed tells a guest that has booted before to change at its next start, and the stamp by which the guest
   * tells that it has; absent while the seed is still that of the first boot.
   */
  readonly seeded?: {
    readonly stamp: string
    readonly password: string
    readonly sshKeys: readonly string[]
    /** Whether the seed may not say it yet. */
    readonly unwritten?: true
  }
  /** The boot in which its agent refused to change what it has; absent where none did. */
  readonly refusedIn?: string
  /** The stamp of the change that the guest told last; absent before the first. */
  readonly taken?: string
}

export function accessOf(settings: PublishedSettings): GuestAccess {
  return { password: settings.password, sshKeys: settings.sshKeys }
}

export function sealAccess(box: SecretBox, id: string, access: GuestAccess): string {
  return box.seal(`compute-instances/${id}/guest-access`, JSON.stringify(access))
}

/** What the guest was last given; null before its first boot. */
export function openAccess(
  box: SecretBox,
  row: Pick<ComputeInstanceRow, 'id' | 'guest_access'>,
): GuestAccess | null {
  if (row.guest_access === null) return null
  return JSON.parse(box.open(`compute-instances/${row.id}/guest-access`, row.guest_access)) as GuestAccess
}

function placeOf(id: string): string {
  return `compute-instances/${id}/published-settings`
}

export function sealSettings(box: SecretBox, id: string, settings: PublishedSettings): string {
  return box.seal(placeOf(id), JSON.stringify(settings))
}

/** The settings last published; null before the first publish. */
export function openSettings(
  box: SecretBox,
  row: Pick<ComputeInstanceRow, 'id' | 'published_settings'>,
): PublishedSettings | null {
  if (row.published_settings === null) return null
  return JSON.parse(box.open(placeOf(row.id), row.published_settings)) as PublishedSettings
}
