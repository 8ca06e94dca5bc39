import { COMPUTE_TYPE_LABEL, computeTypeOf } from '@berth/contract/profile-problem'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import { profileSnapshot } from './profile-snapshot.ts'

type Labelled = Pick<ComputeInstanceRow, 'kind' | 'profile' | 'labels' | 'deploy_generation'>

/**
 * What is known of the labels of an instance's profile. The kept profile says itself what it is one of, unless an
 * earlier version kept it: then the labels that the instance took of it tell. Where they do not, what has been
 * deployed was a virtual machine.
 * @param stored the labels of the profile that now has the name, where they were looked up
 */
export function profileLabelsOf(
  row: Labelled,
  stored: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  if (saysItself(row)) return {}
  const own = labelsOf(row)
  const told = [own, stored].find((labels) => computeTypeOf({}, labels) !== undefined)
  if (told) return told
  return row.deploy_generation === null ? {} : { [COMPUTE_TYPE_LABEL]: 'vm' }
}

/** Whether the labels of the profile that now has the name could tell more. */
export function wantsStoredLabels(row: Labelled): boolean {
  return !saysItself(row) && computeTypeOf({}, labelsOf(row)) === undefined
}

function saysItself(row: Labelled): boolean {
  return row.kind !== 'ComputeInstance' || computeTypeOf(profileSnapshot(row)) !== undefined
}

/** The labels of a row, none when it has none. */
export function labelsOf({ labels }: { readonly labels: string | null }): Record<string, string> {
  return labels === null ? {} : (JSON.parse(labels) as Record<string, string>)
}
