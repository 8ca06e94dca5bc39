import type { ComputeProfileSpec, ServiceProfileSpec } from '@berth/contract/profile'
import type { ComputeInstanceRow } from '../../store/schema.ts'

/** What a profile of either kind may say. */
export type ProfileSpec = ComputeProfileSpec & ServiceProfileSpec

/** Instances share few profiles, and reading one as JSON is most of what showing an instance costs. */
const MOST_PROFILES = 256
const profiles = new Map<string, ProfileSpec>()

/** The profile as an instance keeps it since its last apply. It is shared, and so cannot be changed. */
export function profileSnapshot({ profile }: Pick<ComputeInstanceRow, 'profile'>): ProfileSpec {
  const known = profiles.get(profile)
  if (known) return known
  const parsed = frozen(JSON.parse(profile) as ProfileSpec)
  if (profiles.size >= MOST_PROFILES) profiles.clear()
  profiles.set(profile, parsed)
  return parsed
}

/** Freezes a value that came from JSON, with everything in it. */
function frozen<Value>(value: Value): Value {
  if (value instanceof Object) for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}
