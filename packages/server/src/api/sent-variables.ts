import { ApiError } from '@berth/contract/api-error'
import { secretMembers, unmaskMembers } from '@berth/contract/application/secret-members'
import { MASK } from '@berth/contract/mask'
import type { Variable } from '@berth/contract/variable'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { isSensitive, type StoredVariable } from '../store/stored-variable.ts'
import type { InstanceConfiguration } from './instance-configuration.ts'

/**
 * The variables that an apply really asks for: with stored secrets where the mask came back, and without what
 * the client only read of its profile.
 * @param existing what is stored under the name, and how it was applied; absent for a new object
 * @throws ApiError 400 for a mask where nothing is stored
 */
export function sentVariables(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  existing?: { readonly row: ComputeInstanceRow; readonly before: InstanceConfiguration },
): Variable[] {
  const own = withoutOldDefaults(profileVariables, sent, existing?.before)
  return unmask(profileVariables, own, existing?.before.variables ?? [], sealedNames(existing?.row))
}

/** Puts stored secrets where the client sent the mask back. */
function unmask(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  stored: readonly Variable[],
  sealed: ReadonlySet<string>,
): Variable[] {
  return sent.map((variable) => {
    const before = stored.find((candidate) => candidate.name === variable.name)
    const kept = before?.value
    // Its client may leave out what made it a secret; it stays one.
    const options = variable.options ?? before?.options
    const isSecret = isSensitive(profileVariables, variable) || sealed.has(variable.name)
    if (variable.value !== MASK || !isSecret) {
      return unmaskWithin(profileVariables, variable, kept, options)
    }
    if (!kept) {
      throw ApiError.invalid(
        variable.name,
        `"${MASK}" keeps the stored value, but none is stored; send the value itself`,
      )
    }
    return { ...variable, value: kept, ...(options ? { options } : {}) }
  })
}

/** Puts stored secrets where the client sent the mask back as a member of JSON text. */
function unmaskWithin(
  profileVariables: readonly Variable[],
  variable: Variable,
  kept: string | undefined,
  options: Variable['options'],
): Variable {
  const members = secretMembers(profileVariables, options ? { ...variable, options } : variable)
  if (!variable.value || members.length === 0) return variable
  const value = unmaskMembers(variable.name, variable.value, kept, members)
  return { ...variable, value, ...(options ? { options } : {}) }
}

/** The names of the variables that are secrets as a whole. */
function sealedNames(row: ComputeInstanceRow | undefined): ReadonlySet<string> {
  const stored = row ? (JSON.parse(row.variables) as StoredVariable[]) : []
  return new Set(
    stored.filter(({ sealed, value }) => sealed !== undefined && value === undefined).map(({ name }) => name),
  )
}

/**
 * What a client read of its profile and sends back is not its own wish: where the profile has changed a value
 * that nobody may override, the old one is dropped.
 */
function withoutOldDefaults(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  before: InstanceConfiguration | undefined,
): Variable[] {
  const former = new Map((before?.profile.variables ?? []).map((variable) => [variable.name, variable.value]))
  return sent.filter((variable) => {
    const present = profileVariables.find((candidate) => candidate.name === variable.name)
    const fixed = present?.options?.readOnly === true || present?.options?.override?.type === 'notallowed'
    return !fixed || !variable.value || former.get(variable.name) !== variable.value
  })
}
