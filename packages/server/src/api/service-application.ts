import { ApiError } from '@berth/contract/api-error'
import { applicationConfig } from '@berth/contract/application/application-config'
import {
  applicationSettings,
  type ApplicationSettings,
} from '@berth/contract/application/application-settings'
import { parseImageReference } from '@berth/contract/application/image-reference'
import type { InstanceKind } from '@berth/contract/instance-kind'
import type { Variable } from '@berth/contract/variable'
import type { ProfileSpec } from './views/profile-snapshot.ts'

/**
 * What an instance's variables, in the clear, ask of the application on its machine.
 * @param registries whose images may be run
 * @param make gives a secret for a member of the configuration that its user left out
 * @returns null for a compute instance, and where the profile runs none
 * @throws ApiError 400 naming the variable and the JSON path in it
 */
export function applicationOf(
  registries: readonly string[],
  { kind, profile, variables }: { kind: InstanceKind; profile: ProfileSpec; variables: readonly Variable[] },
  make: (member: string) => string,
): ApplicationSettings | null {
  const settings = kind === 'Service' ? applicationSettings(profile, variables, make) : null
  if (!settings || !profile.application || settings.image === '') return settings
  const reference = parseImageReference(settings.image)
  if ('problem' in reference || registries.includes(reference.registry)) return settings
  const { fieldOf } = applicationConfig(profile.variables ?? [], variables)
  throw ApiError.invalid(
    fieldOf(profile.application.image.member),
    `images from ${reference.registry} are not allowed here; allowed are those from ${registries.join(', ')}`,
  )
}
