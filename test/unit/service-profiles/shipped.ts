import {
  applicationSettings,
  type ApplicationSettings,
} from '@berth/contract/application/application-settings'
import type { ServiceProfileSpec } from '@berth/contract/profile'
import type { Variable } from '@berth/contract/variable'
import { shippedProfiles } from '../../../packages/server/src/main/catalogue.ts'

const profiles = shippedProfiles()

/** The spec of a service profile of the catalogue. */
export function shippedSpec(name: string): ServiceProfileSpec {
  const found = profiles.find(({ kind, metadata }) => kind === 'ServiceProfile' && metadata.name === name)
  if (!found) throw new Error(`no service profile ${name}`)
  return found.spec
}

/** What a service of a profile of the catalogue comes to; secrets are made up as `made-<member>`. */
export function settingsOf(profile: string, own: readonly Variable[]): ApplicationSettings {
  const settings = applicationSettings(shippedSpec(profile), own, (member) => `made-${member}`)
  if (!settings) throw new Error(`${profile} runs no application`)
  return settings
}
