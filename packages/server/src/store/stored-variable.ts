import { maskMembers, secretMembers } from '@berth/contract/application/secret-members'
import { MASK } from '@berth/contract/mask'
import type { Variable } from '@berth/contract/variable'
import { meaningOf } from '@berth/contract/variable-meaning'
import type { SecretBox } from './secret-box.ts'

/**
 * A variable as its row holds it: a secret value is sealed, any other in the clear. Of JSON text with secret
 * members the whole is sealed, and the masked text is beside it as the value.
 */
export type StoredVariable = Variable & { readonly sealed?: string }

/**
 * Whether a variable's value is a secret: its profile says so, or it is a password, or the configuration of an
 * application that the profile does not describe, so that nobody can tell the secrets in it.
 */
export function isSensitive(profileVariables: readonly Variable[], variable: Variable): boolean {
  const declared = profileVariables.find((candidate) => candidate.name === variable.name)
  const options = declared?.options ?? variable.options
  if (options?.sensitive === true) return true
  const meaning = meaningOf(profileVariables, variable.name)
  return meaning === 'password' || (meaning === 'applicationConfig' && !declared)
}

/** @param place of the object: `organization/project/object` */
export function sealVariables(
  box: SecretBox,
  place: string,
  profileVariables: readonly Variable[],
  variables: readonly Variable[],
): StoredVariable[] {
  return variables.map((variable) => {
    const { value = '', ...rest } = variable
    const shown = shownBeside(profileVariables, variable)
    return shown === null
      ? variable
      : { ...rest, ...shown, sealed: box.seal(`${place}/${variable.name}`, value) }
  })
}

/** Whether a variable is stored in the clear though it is a secret, since an earlier version took it for none. */
export function isOpenSecret(profileVariables: readonly Variable[], stored: StoredVariable): boolean {
  return stored.sealed === undefined && shownBeside(profileVariables, stored) !== null
}

/** What of a secret value is stored in the clear, beside the sealed one; null when it is no secret. */
function shownBeside(
  profileVariables: readonly Variable[],
  variable: Variable,
): { readonly value?: string } | null {
  const { value } = variable
  if (!value) return null
  if (isSensitive(profileVariables, variable)) return {}
  const masked = maskMembers(value, secretMembers(profileVariables, variable))
  return masked === value ? null : { value: masked }
}

/** The variables in the clear. */
export function openVariables(box: SecretBox, place: string, stored: readonly StoredVariable[]): Variable[] {
  return stored.map((variable) => {
    if (variable.sealed === undefined) return variable
    const { sealed, ...rest } = variable
    return { ...rest, value: box.open(`${place}/${variable.name}`, sealed) }
  })
}

/** The variables as anybody may read them. */
export function maskVariables(
  profileVariables: readonly Variable[],
  stored: readonly StoredVariable[],
): Variable[] {
  return stored.map((variable) => {
    const { sealed, ...rest } = variable
    if (sealed !== undefined) return { ...rest, value: rest.value ?? MASK }
    return rest.value && isSensitive(profileVariables, rest) ? { ...rest, value: MASK } : rest
  })
}
