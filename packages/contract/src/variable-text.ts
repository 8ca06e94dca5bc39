import { ApiError } from './api-error.ts'

/**
 * The truth that a variable's text holds; any case, `yes` and `1` too.
 * @param field for the error
 * @throws ApiError 400
 */
export function truth(field: string, text: string): boolean {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === 'yes' || word === '1') return true
  if (word === 'false' || word === 'no' || word === '0') return false
  throw ApiError.invalid(field, `must be "True" or "False"; got ${quoted(text)}`)
}

/** What somebody sent, fit for an error message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
