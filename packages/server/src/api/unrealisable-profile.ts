import { ApiError } from '@berth/contract/api-error'
import type { InstanceKind } from '@berth/contract/instance-kind'
import { profileProblem } from '@berth/contract/profile-problem'
import type { Variable } from '@berth/contract/variable'
import { KINDS } from './instance-kind.ts'
import type { ProfileSpec } from './views/profile-snapshot.ts'

/**
 * Refuses to make an instance of a profile that describes something else than what is deployed here.
 * @param own the instance's variables
 * @throws ApiError 400 naming what is missing and what can be done
 */
export function refuseUnrealisable(
  kind: InstanceKind,
  profile: { readonly spec: ProfileSpec; readonly labels?: Readonly<Record<string, string>> | undefined },
  own: readonly Variable[],
): void {
  const found = profileProblem(kind, profile.spec, profile.labels, own)
  if (found === null) return
  const { profileMember, profileCollection } = KINDS[kind]
  throw ApiError.invalid(
    `spec.${profileMember}.name`,
    `the profile cannot be deployed: it ${found.problem}; choose another at /${profileCollection}, or ask who keeps the catalogue to ${found.remedy}`,
  )
}
