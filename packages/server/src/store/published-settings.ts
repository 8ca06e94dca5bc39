import type { MachineSettings } from '@berth/contract/machine-settings'
import type { SecretBox } from './secret-box.ts'
import type { ComputeInstanceRow } from './schema.ts'

/** What publish asked for: the settings, secrets included, that the reconciler works towards. */
export interface PublishedSettings extends MachineSettings {
  readonly guestImage: string
  /** True when neither a password nor a key was given and the password was made up. */
  readonly passwordGenerated: boolean
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
