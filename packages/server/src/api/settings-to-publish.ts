import { randomInt } from 'node:crypto'
import { machineSettings } from '@berth/contract/machine-settings'
import { openSettings, type PublishedSettings } from '../store/published-settings.ts'
import type { ApiContext } from './api-context.ts'
import type { InstanceChange } from './instance-change.ts'
import { configurationOf } from './instance-configuration.ts'

const DEFAULT_GUEST_IMAGE = 'debian-12'
const PASSWORD_LENGTH = 20
/** Without the letters and digits that people mistake for each other. */
const PASSWORD_ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** What the applied configuration asks of the machine, with what was made up for it. */
export function settingsToPublish(
  context: ApiContext,
  { project, instance }: InstanceChange,
): PublishedSettings {
  const { profile, variables } = configurationOf(context, project, instance)
  const settings = machineSettings(profile.variables ?? [], variables)
  const guestImage = profile.guestImage ?? DEFAULT_GUEST_IMAGE
  if (settings.password !== '' || settings.sshKeys.length > 0) {
    return { ...settings, guestImage, passwordGenerated: false }
  }
  const previous = openSettings(context.secretBox, instance)
  const password = previous?.passwordGenerated ? previous.password : generatePassword()
  return { ...settings, password, guestImage, passwordGenerated: true }
}

function generatePassword(): string {
  return Array.from(
    { length: PASSWORD_LENGTH },
    () => PASSWORD_ALPHABET[randomInt(PASSWORD_ALPHABET.length)],
  ).join('')
}
