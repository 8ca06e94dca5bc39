import { ApiError } from '../api-error.ts'
import { MASK } from '../mask.ts'
import type { Variable } from '../variable.ts'

/**
 * The members of a JSON text variable whose values are secrets: those that the variable's own
 * `options.schema.jsonschema` marks `sensitive`.
 * @returns [] for a variable that is no JSON object, or has no such member
 */
export function secretMembers(profileVariables: readonly Variable[], variable: Variable): string[] {
  const declared = profileVariables.find((candidate) => candidate.name === variable.name)
  const { schema } = declared?.options ?? variable.options ?? {}
  const properties = objectOf(objectOf(objectOf(schema)?.jsonschema)?.properties)
  return Object.entries(properties ?? {})
    .filter(([, member]) => objectOf(member)?.sensitive === true)
    .map(([name]) => name)
}

/** The text as anybody may read it. Text without a secret, or that is no JSON object, comes back as it is. */
export function maskMembers(text: string, members: readonly string[]): string {
  const value = parsed(text)
  // Written anew even where the value is empty: of two members of one name, the text would show the first.
  const present = value ? members.filter((member) => Object.hasOwn(value, member)) : []
  if (!value || present.length === 0) return text
  const shown = present.map((member) => [member, isGiven(value[member]) ? MASK : value[member]])
  return JSON.stringify({ ...value, ...Object.fromEntries(shown) })
}

/** Those of the members that hold the mask instead of a value. */
export function maskedMembers(text: string, members: readonly string[]): string[] {
  const value = parsed(text)
  return value ? members.filter((member) => own(value, member) === MASK) : []
}

/**
 * Puts stored secrets where the client sent the mask back. What then says the same as the stored text becomes
 * that very text, so that comparing texts tells whether anything changed.
 * @param name the variable's, for the error
 * @param stored the variable's text in the clear; undefined or "" when there is none
 * @throws ApiError 400 when no secret is stored
 */
export function unmaskMembers(
  name: string,
  sent: string,
  stored: string | undefined,
  members: readonly string[],
): string {
  const value = parsed(sent)
  if (!value) return sent
  const before = parsed(stored ?? '') ?? {}
  const kept = maskedMembers(sent, members).map((member) => {
    const secret = own(before, member)
    if (isGiven(secret)) return [member, secret] as const
    throw ApiError.invalid(
      `${name}.${member}`,
      `"${MASK}" keeps the stored value, but none is stored; send the value itself`,
    )
  })
  const text = kept.length === 0 ? sent : JSON.stringify({ ...value, ...Object.fromEntries(kept) })
  const same = stored !== undefined && JSON.stringify(parsed(text)) === JSON.stringify(parsed(stored))
  return same ? stored : text
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function own(value: Record<string, unknown>, member: string): unknown {
  return Object.hasOwn(value, member) ? value[member] : undefined
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
