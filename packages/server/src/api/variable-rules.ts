import { ApiError } from '@berth/contract/api-error'
import type { Variable } from '@berth/contract/variable'

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
    if (type === 'notallowed' || options?.readOnly) {
      throw ApiError.invalid(name, 'is set by the profile and cannot be changed; leave it out')
    }
    if (type === 'restricted' && !restrictedValues.includes(mine)) {
      throw ApiError.invalid(
        name,
        `must be one of ${restrictedValues.map((one) => JSON.stringify(one)).join(', ')}`,
      )
    }
  }
}
