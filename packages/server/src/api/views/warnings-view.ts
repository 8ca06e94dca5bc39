import { instanceWarnings } from '@berth/contract/instance-warnings'
import { computeTypeOf } from '@berth/contract/profile-problem'
import type { Variable } from '@berth/contract/variable'
import { diskGibOf } from '../../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import { profileLabelsOf } from './profile-labels.ts'
import { profileSnapshot, type ProfileSpec } from './profile-snapshot.ts'

/** Instances that are alike have the same warnings, and lists show many of them again and again. */
const MOST_KEPT = 256
/** What has longer variables is not kept, so that what is kept stays small. */
const LONGEST_KEPT = 4096
const kept = new WeakMap<ProfileSpec, Map<string, readonly string[]>>()

/**
 * What was applied and does not do what was most likely meant. It follows from the row, and is stored nowhere.
 * @param variables the row's, as anybody may read them
 */
export function warningsOf(row: ComputeInstanceRow, variables: readonly Variable[]): readonly string[] {
  const profile = profileSnapshot(row)
  const machineDiskGib = diskGibOf(row)
  const profileLabels = profileLabelsOf(row)
  const warn = () => instanceWarnings({ kind: row.kind, profile, profileLabels, variables, machineDiskGib })
  if (row.variables.length > LONGEST_KEPT) return warn()
  const key = JSON.stringify([row.kind, computeTypeOf({}, profileLabels), machineDiskGib, variables])
  const ofProfile = kept.get(profile) ?? new Map<string, readonly string[]>()
  kept.set(profile, ofProfile)
  const known = ofProfile.get(key)
  if (known) return known
  const warnings = warn()
  if (ofProfile.size >= MOST_KEPT) ofProfile.clear()
  ofProfile.set(key, warnings)
  return warnings
}
