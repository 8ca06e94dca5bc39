import { instanceWarnings } from '@berth/contract/instance-warnings'
import { diskGibOf } from '../../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import { maskVariables, type StoredVariable } from '../../store/stored-variable.ts'
import { profileSnapshot, type ProfileSpec } from './profile-snapshot.ts'

/** Instances that are alike have the same warnings, and lists show many of them again and again. */
const MOST_KEPT = 256
/** What has longer variables is not kept, so that what is kept stays small. */
const LONGEST_KEPT = 4096
const kept = new WeakMap<ProfileSpec, Map<string, readonly string[]>>()

type Row = Pick<
  ComputeInstanceRow,
  'kind' | 'profile' | 'variables' | 'machine_present' | 'machine_facts' | 'running_size'
>

/** What was applied and does not do what was most likely meant. It follows from the row, and is stored nowhere. */
export function warningsOf(row: Row): readonly string[] {
  const profile = profileSnapshot(row)
  const machineDiskGib = diskGibOf(row)
  const ofProfile = kept.get(profile) ?? new Map<string, readonly string[]>()
  kept.set(profile, ofProfile)
  const key = `${row.kind} ${machineDiskGib} ${row.variables}`
  const known = ofProfile.get(key)
  if (known) return known
  const stored = JSON.parse(row.variables) as StoredVariable[]
  const variables = maskVariables(profile.variables ?? [], stored)
  const warnings = instanceWarnings({ kind: row.kind, profile, variables, machineDiskGib })
  if (key.length > LONGEST_KEPT) return warnings
  if (ofProfile.size >= MOST_KEPT) ofProfile.clear()
  ofProfile.set(key, warnings)
  return warnings
}
