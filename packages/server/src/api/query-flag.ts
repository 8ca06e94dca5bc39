import { ApiError } from '@berth/contract/api-error'

/**
 * A boolean query parameter. Absent is false; present without a value is true.
 * @throws ApiError 400 naming it
 */
export function queryFlag(query: unknown, name: string): boolean {
  const value = (query as Record<string, unknown>)[name]
  if (value === undefined) return false
  if (value === '' || value === 'true' || value === 'True') return true
  if (value === 'false' || value === 'False') return false
  throw ApiError.invalid(name, 'must be true or false')
}
