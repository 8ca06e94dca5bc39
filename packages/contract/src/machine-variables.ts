import { ApiError } from './api-error.ts'
import { MACHINE_LIMITS } from './machine-limits.ts'
import { parseSshKeys } from './ssh-public-key.ts'
import { clientMeaning, meaningOf, type VariableMeaning } from './variable-meaning.ts'
import { quoted } from './variable-text.ts'
import { mergeVariables, type Variable, type VariableOptions } from './variable.ts'
import { wholeNumber } from './whole-number.ts'

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
 * one that the object gives under the usual name. A profile's value that its client's name cannot mean says nothing.
 */
export function meantVariables(
  profile: readonly Variable[],
  own: readonly Variable[],
): ReadonlyMap<VariableMeaning, MeantVariable> {
  const values = new Map(profile.map(({ name, value }) => [name, value]))
  const declared = new Map(profile.map((variable) => [variable.name, variable]))
  const found = new Map<VariableMeaning, MeantVariable>()
  for (const { name, value, options = {} } of mergeVariables(profile, own)) {
    const meaning = meaningOf(profile, name)
    if (meaning === undefined || !value) continue
    if (values.get(name) === value && isUnread(declared.get(name))) continue
    const yields = !values.has(name) && clientMeaning(name) !== undefined
    if (yields && found.get(meaning)?.isOwn) continue
    found.set(meaning, { name, value, options, isOwn: values.get(name) !== value })
  }
  return found
}

/** Whether a variable's value is one that another engine works out before it uses it (wire contract 2.4). */
export function isWorkedOut({ valueType = '' }: Variable): boolean {
  return valueType === 'expression' || valueType === 'hcl'
}

/** The meanings of clients' names that not every text can have, in words. */
const READERS: ReadonlyMap<
  VariableMeaning,
  { readonly words: string; read(variable: { name: string; value: string }): unknown }
> = new Map([
  ['vcpu', { words: 'a number of vCPUs', read: (variable) => wholeNumber(variable, MACHINE_LIMITS.vcpus) }],
  [
    'gpuCount',
    { words: 'a number of GPUs', read: (variable) => wholeNumber(variable, MACHINE_LIMITS.gpuCount) },
  ],
  ['sshKeys', { words: 'SSH keys', read: ({ name, value }) => parseSshKeys(name, value) }],
])

/**
 * What is worth saying of a profile that has such a name from elsewhere: its values that cannot mean here what the name
 * means, and so have no effect.
 * @param own the instance's variables, which may take their place
 */
export function unreadSentences(profile: readonly Variable[], own: readonly Variable[] = []): string[] {
  return mergeVariables(profile, own).flatMap(({ name, value = '' }) => {
    const declared = profile.find((variable) => variable.name === name)
    if (declared?.value !== value || !isUnread(declared)) return []
    const words = readerOf(name)?.words ?? ''
    return [`The profile's ${quoted(name)} has no effect: ${quoted(value)} cannot be read as ${words}.`]
  })
}

/** Whether the value of a profile's variable is none of what its name, a client's own, means. */
function isUnread(variable: Variable | undefined): boolean {
  if (!variable?.value || variable.options?.meaning !== undefined || isWorkedOut(variable)) return false
  const { name, value } = variable
  try {
    readerOf(name)?.read({ name, value })
    return false
  } catch (error) {
    if (error instanceof ApiError) return true
    throw error
  }
}

function readerOf(name: string) {
  const meaning = clientMeaning(name)
  return meaning === undefined ? undefined : READERS.get(meaning)
}
