import { ApiError } from '@berth/contract/api-error'
import { maskMembers, secretMembers } from '@berth/contract/application/secret-members'
import { MASK } from '@berth/contract/mask'
import type { Variable } from '@berth/contract/variable'
import { clientMeaning } from '@berth/contract/variable-meaning'
import { isSensitive } from '../store/stored-variable.ts'

/** A profile's variables as they can be kept. */
export interface KeptVariables {
  readonly variables: Variable[]
  /** The names of those whose value is left out. */
  readonly withoutValue: string[]
}

/**
 * A profile is read by every tenant and copied into their instances, so it is no place for a secret. Exports are
 * kept without what is masked in them, or what only a client's own name says to be a secret.
 * @throws ApiError 400 naming the variable, where who wrote the profile knows that it is a secret
 */
export function withoutSecrets(given: readonly Variable[]): KeptVariables {
  const withoutValue: string[] = []
  const variables = given.map((variable) => {
    const { value, ...rest } = variable
    if (!value) return variable
    if (isSensitive(given, variable)) {
      if (value !== MASK && isDeclaredSecret(variable)) {
        throw ApiError.invalid(
          variable.name,
          'is sensitive, and a profile cannot keep a secret: leave its value out',
        )
      }
      withoutValue.push(variable.name)
      return rest
    }
    if (maskMembers(value, secretMembers(given, variable)) !== value) {
      throw ApiError.invalid(
        variable.name,
        'holds a secret, and a profile cannot keep one: leave that member out',
      )
    }
    return variable
  })
  return { variables, withoutValue }
}

function isDeclaredSecret({ name, options }: Variable): boolean {
  return options?.sensitive === true || options?.meaning !== undefined || clientMeaning(name) === undefined
}
