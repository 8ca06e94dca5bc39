import { clientMeaning, meaningOf, type VariableMeaning } from './variable-meaning.ts'
import { mergeVariables, type Variable, type VariableOptions } from './variable.ts'

/** A variable that has a value, and what that value means. */
export interface MeantVariable {
  readonly name: string
  readonly value: string
  readonly options: VariableOptions
  /** Whether the object says so, and not just repeats its profile. */
  readonly isOwn: boolean
}

/**
 * What an object's variables say, by meaning. The profile decides which name means what; "" equals absent (guide,
 * "Variable Value Convention"). Of several with one meaning the last counts, but a client's own name never over
 * one that the object gives under the usual name.
 */
export function meantVariables(
  profile: readonly Variable[],
  own: readonly Variable[],
): ReadonlyMap<VariableMeaning, MeantVariable> {
  const values = new Map(profile.map(({ name, value }) => [name, value]))
  const found = new Map<VariableMeaning, MeantVariable>()
  for (const { name, value, options = {} } of mergeVariables(profile, own)) {
    const meaning = meaningOf(profile, name)
    if (meaning === undefined || !value) continue
    const yields = !values.has(name) && clientMeaning(name) !== undefined
    if (yields && found.get(meaning)?.isOwn) continue
    found.set(meaning, { name, value, options, isOwn: values.get(name) !== value })
  }
  return found
}
