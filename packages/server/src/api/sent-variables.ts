import { ApiError } from '@berth/contract/api-error'
import { maskedMembers, secretMembers, unmaskMembers } from '@berth/contract/application/secret-members'
import { MASK } from '@berth/contract/mask'
import type { Variable } from '@berth/contract/variable'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { isSensitive, type StoredVariable } from '../store/stored-variable.ts'
import type { InstanceConfiguration } from './instance-configuration.ts'

/**
 * The variables that an apply really asks for: with stored secrets where the mask came back, and without what
 * the client only read of its profile.
 * @param existing what is stored under the name, and how it was applied; absent for a new object
 * @throws ApiError 400 for a mask where nothing is stored, or what is stored would no longer be kept secret
 */
export function sentVariables(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  existing?: { readonly row: ComputeInstanceRow; readonly before: InstanceConfiguration },
): Variable[] {
  const before = existing?.before
  const sealed = sealedNames(existing?.row)
  return withoutOldDefaults(profileVariables, sent, before).map((variable) => {
    const stored = before?.variables.find((candidate) => candidate.name === variable.name)
    // Its client may leave out what made it a secret; it stays one.
    const options = variable.options ?? stored?.options
    const whole = options ? { ...variable, options } : variable
    const isSecret = isSensitive(profileVariables, whole)
    if (variable.value === MASK && !isSecret && sealed.has(variable.name)) throw noSecretNow(variable.name)
    if (variable.value === MASK && isSecret) {
      return { ...whole, value: storedSecret(variable.name, stored?.value) }
    }
    // What was masked when the client read it means the same still, whatever the profile says by now.
    const formerly = secretMembers(before?.profile.variables ?? [], stored ?? whole)
    const presently = secretMembers(profileVariables, whole)
    const members = [...new Set([...presently, ...formerly])]
    if (!variable.value || members.length === 0) return variable
    const shown = isSecret ? [] : members.filter((member) => !presently.includes(member))
    const [lost] = maskedMembers(variable.value, shown)
    if (lost !== undefined) throw noSecretNow(`${variable.name}.${lost}`)
    return { ...whole, value: unmaskMembers(variable.name, variable.value, stored?.value, members) }
  })
}

/** @throws ApiError 400 when there is none */
function storedSecret(name: string, stored: string | undefined): string {
  if (stored) return stored
  throw ApiError.invalid(name, `"${MASK}" keeps the stored value, but none is stored; send the value itself`)
}

/** Unmasked there, the stored secret would be for everybody to read. */
function noSecretNow(field: string): ApiError {
  return ApiError.invalid(
    field,
    `"${MASK}" keeps a secret only where it is one; send the value itself, or leave it out`,
  )
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
