import { nameFinder } from '../near-name.ts'
import { meaningOf } from '../variable-meaning.ts'
import type { Variable } from '../variable.ts'

/** A member of a service's configuration that its schema lacks, and the one that was most likely meant. */
export interface MisspeltMember {
  /** The variable that holds the configuration. */
  readonly variable: string
  readonly member: string
  readonly meant: string
}

/** So many members that the schema lacks are looked at: who sends more did not misspell them. */
const MOST_UNKNOWN = 16

/**
 * What in the configuration, as anybody may read it, is most likely a slip. Text that is no JSON object has none.
 * @param profile the service profile's variables
 */
export function misspeltMembers(profile: readonly Variable[], own: readonly Variable[]): MisspeltMember[] {
  return own.flatMap(({ name: variable, value }) => {
    if (!value || meaningOf(profile, variable) !== 'applicationConfig') return []
    const known = knownMembers(profile.find(({ name }) => name === variable))
    const unknown = membersOf(value).filter((member) => !known.includes(member))
    const nearestTo = nameFinder(known)
    return unknown.slice(0, MOST_UNKNOWN).flatMap((member) => {
      const meant = nearestTo(member)
      return meant === undefined ? [] : [{ variable, member, meant }]
    })
  })
}

function knownMembers(variable: Variable | undefined): string[] {
  const schema = variable?.options?.schema as { jsonschema?: { properties?: object } } | undefined
  return Object.keys(schema?.jsonschema?.properties ?? {})
}

function membersOf(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? Object.keys(value) : []
  } catch {
    return []
  }
}
