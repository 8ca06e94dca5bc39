import { ApiError } from '../api-error.ts'
import { isOneLine } from '../one-line.ts'
import { quoted } from '../variable-text.ts'
import type { MemberSchema } from './config-schema.ts'

const DEFAULT_MAX_LENGTH = 4096

/**
 * Reads one member's value, leniently as to its form: a number may come as text, a truth as text in any case,
 * a word in any case. `null` and "" are none.
 * @param field for the error: variable and member
 * @returns the value as text in the schema's own spelling; undefined for none
 * @throws ApiError 400 naming what is accepted
 */
export function readMember(field: string, schema: MemberSchema, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (schema.type === 'string' && schema.enum === undefined) return text(field, schema, value)
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw ApiError.invalid(field, `must be ${accepted(schema)}`)
  }
  const word = String(value).trim()
  if (word === '') return undefined
  if (schema.type === 'integer' || schema.type === 'number') return number(field, schema, word)
  const words = schema.type === 'boolean' ? ['true', 'false'] : (schema.enum ?? [])
  const known = words.find((candidate) => candidate === word) ?? words.find((it) => sameWord(it, word))
  if (known === undefined) throw unaccepted(field, schema, word)
  return known
}

/** Whether two words are the same but for their case. */
export function sameWord(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}

function text(field: string, schema: MemberSchema, value: unknown): string | undefined {
  if (typeof value !== 'string') {
    throw ApiError.invalid(field, 'must be text; write it between quotation marks')
  }
  // A secret counts as it is; around anything else, blanks come from careless copying.
  const found = schema.sensitive === true ? value : value.trim()
  if (found === '') return undefined
  if (!isOneLine(found)) {
    throw ApiError.invalid(field, 'must be one line without control characters')
  }
  const { minLength = 0, maxLength = DEFAULT_MAX_LENGTH } = schema
  if (found.length < minLength || found.length > maxLength) {
    throw ApiError.invalid(field, `must be ${Math.max(1, minLength)} to ${maxLength} characters`)
  }
  return found
}

function number(field: string, schema: MemberSchema, word: string): string {
  const form = schema.type === 'integer' ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,20})?$/
  const value = form.test(word) ? Number(word) : Number.NaN
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
  if (!(value >= minimum && value <= maximum)) {
    throw unaccepted(field, schema, word)
  }
  return String(value)
}

function unaccepted(field: string, schema: MemberSchema, word: string): ApiError {
  const got = schema.sensitive === true ? '' : `; got ${quoted(word)}`
  return ApiError.invalid(field, `must be ${accepted(schema)}${got}`)
}

function accepted(schema: MemberSchema): string {
  if (schema.type === 'boolean') return '"True" or "False"'
  if (schema.type === 'string') return `one of ${(schema.enum ?? []).join(', ')}`
  const kind = schema.type === 'integer' ? 'a whole number' : 'a number'
  const { minimum, maximum } = schema
  if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`
  if (minimum !== undefined) return `${kind}, ${minimum} or more`
  return maximum === undefined ? kind : `${kind}, ${maximum} or less`
}
