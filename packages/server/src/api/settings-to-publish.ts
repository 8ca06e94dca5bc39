import { randomInt } from 'node:crypto'
import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { GENERATED_SECRET_LENGTH } from '@berth/contract/application/check-config-schema'
import { effectiveFirewallRules } from '@berth/contract/application/service-reach'
import { machineSettings, type MachineSettings } from '@berth/contract/machine-settings'
import { openSettings, type PublishedSettings } from '../store/published-settings.ts'
import type { ApiContext } from './api-context.ts'
import type { InstanceChange } from './instance-change.ts'
import { refuseToShrink } from './disk-size.ts'
import { configurationOf } from './instance-configuration.ts'
import { applicationOf } from './service-application.ts'

const DEFAULT_GUEST_IMAGE = 'debian-12'
const PASSWORD_LENGTH = 20
/** Without the letters and digits that people mistake for each other. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/**
 * What the applied configuration asks of the machine, with what was made up for it.
 * @throws ApiError 400 naming the variable
 */
export function settingsToPublish(
  context: ApiContext,
  { project, instance }: InstanceChange,
): PublishedSettings {
  const configuration = configurationOf(context, project, instance)
  const { profile, variables } = configuration
  const previous = openSettings(context.secretBox, instance)
  refuseToShrink(instance, configuration, previous)
  const machine = machineSettings(profile.variables ?? [], variables)
  const application = applicationOf(
    context.registries,
    { kind: instance.kind, profile, variables },
    (member) => keptOf(previous, member) ?? madeUp(GENERATED_SECRET_LENGTH),
  )
  return {
    ...machine,
    ...passwordOf(machine, previous),
    firewallRules: effectiveFirewallRules(machine, application),
    guestImage: profile.guestImage ?? DEFAULT_GUEST_IMAGE,
    ...(application === null ? {} : { application: withKept(application, previous) }),
  }
}

function keptOf(previous: PublishedSettings | null, member: string): string | undefined {
  const generated = previous?.application?.generated ?? {}
  return Object.hasOwn(generated, member) ? generated[member] : undefined
}

/** What was made up outlives a time in which the application is switched off. */
function withKept(application: ApplicationSettings, previous: PublishedSettings | null): ApplicationSettings {
  const generated = previous?.application?.generated
  return application.enabled || !generated ? application : { ...application, generated }
}

function passwordOf(
  { password, sshKeys }: MachineSettings,
  previous: PublishedSettings | null,
): Pick<PublishedSettings, 'password' | 'passwordGenerated'> {
  if (password !== '' || sshKeys.length > 0) return { password, passwordGenerated: false }
  const kept = previous?.passwordGenerated ? previous.password : madeUp(PASSWORD_LENGTH)
  return { password: kept, passwordGenerated: true }
}

function madeUp(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
