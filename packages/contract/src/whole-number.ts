import { ApiError } from './api-error.ts'
import { quoted } from './variable-text.ts'

export interface Limits {
  readonly minimum: number
  readonly maximum: number
}

/** @throws ApiError 400 naming the variable */
export function wholeNumber(
  { name, value }: { readonly name: string; readonly value: string },
  { minimum, maximum }: Limits,
): number {
  const text = value.trim()
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
    throw ApiError.invalid(name, `must be a whole number from ${minimum} to ${maximum}; got ${quoted(value)}`)
  }
  return number
}
