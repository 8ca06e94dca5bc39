import { ApiError } from '@berth/contract/api-error'
import { secretMembers } from '@berth/contract/application/secret-members'
import { nameFinder } from '@berth/contract/near-name'
import { MAX_VARIABLES, type Variable } from '@berth/contract/variable'
import {
  clientMeaning,
  clientNames,
  defaultMeaning,
  knownNames,
  meaningOf,
} from '@berth/contract/variable-meaning'
import { isSensitive } from '../store/stored-variable.ts'

/** @throws ApiError 400 when two variables share a name */
export function checkVariables(variables: readonly Variable[]): void {
  const seen = new Set<string>()
  for (const [index, { name }] of variables.entries()) {
    if (seen.has(name))
      throw ApiError.invalid(`spec.variables[${index}].name`, `${JSON.stringify(name)} is given twice`)
    seen.add(name)
  }
}

/**
 * Text with secret members must be JSON, or there is no telling what in it is secret.
 * @throws ApiError 400 naming the variable
 */
export function checkSecretTexts(profile: readonly Variable[], own: readonly Variable[]): void {
  for (const variable of own) {
    if (!variable.value || secretMembers(profile, variable).length === 0) continue
    if (!isJsonObject(variable.value)) {
      throw ApiError.invalid(variable.name, 'must be JSON text: an object such as {"member": "value"}')
    }
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/**
 * Refuses a name that most likely means a secret, be it the profile's or one that has its meaning by default: taken
 * for a variable of its own, its value could be read.
 * @throws ApiError 400 naming the right one
 */
export function checkSecretNames(profile: readonly Variable[], own: readonly Variable[]): void {
  const known = knownNames(profile)
  const secrets = [...known, ...clientNames(profile, 'password')].filter((name) => {
    const variable = profile.find((declared) => declared.name === name) ?? { name }
    return isSensitive(profile, variable) || secretMembers(profile, variable).length > 0
  })
  const nearestTo = nameFinder(known)
  const nearestSecret = nameFinder(secrets)
  for (const variable of own) {
    const { name, value } = variable
    const isKnown = profile.some((declared) => declared.name === name) || isSensitive(profile, variable)
    if (!value || isKnown) continue
    const nearest = nearestTo(name) ?? nearestSecret(name)
    const meant = secrets.find((secret) => secret === nearest || isMeant(profile, secret, name))
    if (meant !== undefined)
      throw ApiError.invalid(name, `is not known to the profile; write ${JSON.stringify(meant)}`)
  }
}

/**
 * Of two passwords one would be lost without a word, since both read as the mask.
 * @param own with the secrets in the clear
 * @throws ApiError 400 when they differ
 */
export function checkOnePassword(profile: readonly Variable[], own: readonly Variable[]): void {
  const [first, ...others] = own.filter(({ name, value }) => value && meaningOf(profile, name) === 'password')
  const other = others.find(({ value }) => value !== first?.value)
  if (!first || !other) return
  throw ApiError.invalid(
    other.name,
    `is another password than ${JSON.stringify(first.name)}; leave one of them out`,
  )
}

/** Whether a name is another one for a secret's meaning. */
function isMeant(profile: readonly Variable[], known: string, name: string): boolean {
  const meaning = meaningOf(profile, known)
  return meaning !== undefined && (defaultMeaning(name) ?? clientMeaning(name)) === meaning
}

/**
 * @param profile the variables that are the profile's, and do not count
 * @throws ApiError 400 when the object brings more of its own than it may
 */
export function checkVariableCount(profile: readonly Variable[], own: readonly Variable[]): void {
  const known = new Set(profile.map((variable) => variable.name))
  const count = own.filter((variable) => !known.has(variable.name)).length
  if (count <= MAX_VARIABLES) return
  throw ApiError.invalid(
    'spec.variables',
    `holds ${count} that the profile does not have; at most ${MAX_VARIABLES} are taken`,
  )
}

/**
 * Holds an object's variables to what its profile allows (wire contract 2.4, `override` and `required`).
 * @throws ApiError 400 naming the variable
 */
export function checkOverrides(profile: readonly Variable[], own: readonly Variable[]): void {
  const ownByName = new Map(own.map((variable) => [variable.name, variable.value ?? '']))
  for (const { name, value, options } of profile) {
    const mine = ownByName.get(name) ?? ''
    if (mine === '') {
      if (options?.required && !value) throw ApiError.invalid(name, 'is required by the profile')
      continue
    }
    if (mine === value) continue
    const { type, restrictedValues = [] } = options?.override ?? {}
    const nothingElse = type === 'restricted' && restrictedValues.length === 0
    if (type === 'notallowed' || nothingElse || options?.readOnly) {
      throw ApiError.invalid(name, 'is set by the profile and cannot be changed; leave it out')
    }
    if (type === 'restricted' && !restrictedValues.includes(mine)) {
      throw ApiError.invalid(
        name,
        `must be one of ${[...new Set([...(value ? [value] : []), ...restrictedValues])].map((one) => JSON.stringify(one)).join(', ')}`,
      )
    }
  }
}
