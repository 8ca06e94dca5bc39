import { mergeVariables, type Variable } from '@berth/contract/variable'
import type { ComputeInstanceRow, ProjectRow } from '../store/schema.ts'
import { openVariables, type StoredVariable } from '../store/stored-variable.ts'
import type { ApiContext } from './api-context.ts'
import { canonicalJson } from './canonical-json.ts'
import { profileSnapshot, type ProfileSpec } from './views/profile-snapshot.ts'

/** What an instance was applied with, secrets in the clear. */
export interface InstanceConfiguration {
  /** The spec without its variables. */
  readonly spec: { readonly datacenter?: { readonly name?: string } | undefined }
  readonly variables: readonly Variable[]
  readonly profile: ProfileSpec
}

/** Where an object's secrets are sealed for. */
export function placeOf(project: ProjectRow, objectId: string): string {
  return `${project.organization_id}/${project.id}/${objectId}`
}

/** The configuration as it was last applied. */
export function configurationOf(
  context: ApiContext,
  project: ProjectRow,
  row: ComputeInstanceRow,
): InstanceConfiguration {
  const stored = JSON.parse(row.variables) as StoredVariable[]
  return {
    spec: JSON.parse(row.spec) as InstanceConfiguration['spec'],
    variables: openVariables(context.secretBox, placeOf(project, row.id), stored),
    profile: profileSnapshot(row),
  }
}

/**
 * Whether two configurations ask for the same: as they read back, in the clear. So an object that was read and
 * sent back changes nothing, though it now spells out what its profile said.
 */
export function asksTheSame(
  context: ApiContext,
  one: InstanceConfiguration,
  other: InstanceConfiguration,
): boolean {
  return fingerprint(context, one) === fingerprint(context, other)
}

function fingerprint(context: ApiContext, { spec, variables, profile }: InstanceConfiguration): string {
  const profileVariables = profile.variables ?? []
  const known = new Set(profileVariables.map((variable) => variable.name))
  const values = mergeVariables(profileVariables, variables)
    .map(({ name, value = '', valueType = '', options }) =>
      // Of the profile's variables only the value is the object's to say; its own count as they are.
      known.has(name) ? { name, value, valueType } : { name, value, valueType, options: options ?? {} },
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const datacenter = { name: context.datacenter, ...spec.datacenter }
  // What a profile is one of decides whether there is a machine, not what it is like.
  const { computeType: _, ...kept } = profile
  return canonicalJson({ spec: { ...spec, datacenter }, values, profile: kept })
}
