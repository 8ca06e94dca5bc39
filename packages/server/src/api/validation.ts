import { ApiError } from '@berth/contract/api-error'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'

/**
 * Validates without changing what was sent: nothing is coerced, removed or filled in, so that an object
 * is stored as its client wrote it.
 */
export function installValidation(app: FastifyInstance): void {
  const ajv = new Ajv({
    allErrors: false,
    strict: false,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
  })
  addFormats.default(ajv)
  const compiled = new WeakMap<object, ValidateFunction>()
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const key = schema as object
    const validate = compiled.get(key) ?? ajv.compile(key)
    compiled.set(key, validate)
    return (data: unknown) => {
      // Lists read their own query, since a valueless parameter means its default there.
      if (httpPart === 'querystring') return { value: data }
      if (validate(data)) return { value: data }
      return { error: errorOf(validate.errors?.[0], httpPart ?? 'body') }
    }
  })
  app.setSerializerCompiler(() => (data: unknown) => JSON.stringify(data))
}

function errorOf(error: ErrorObject | undefined, part: string): ApiError {
  if (!error) return ApiError.invalid(part, 'is not valid')
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) =>
      /^\d+$/.test(step) ? `[${step}]` : `.${step.replaceAll('~1', '/').replaceAll('~0', '~')}`,
    )
    .join('')
    .replace(/^\./, '')
  const { missingProperty, allowedValue, allowedValues } = error.params as Record<string, unknown>
  if (typeof missingProperty === 'string') {
    return ApiError.invalid(path ? `${path}.${missingProperty}` : missingProperty, 'is required')
  }
  const field = path || part
  if (error.keyword === 'const') return ApiError.invalid(field, `must be ${JSON.stringify(allowedValue)}`)
  if (error.keyword === 'enum')
    return ApiError.invalid(field, `must be one of ${(allowedValues as string[]).join(', ')}`)
  return ApiError.invalid(field, wordsFor(error))
}

const ARTICLES: Readonly<Record<string, string>> = {
  array: 'a JSON array',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  object: 'a JSON object',
  string: 'text',
}

function wordsFor(error: ErrorObject): string {
  const { type, limit } = error.params as { type?: string; limit?: number }
  if (error.keyword === 'type') return `must be ${ARTICLES[type ?? ''] ?? type}`
  if (error.keyword === 'maxItems') return `must hold at most ${limit} entries`
  if (error.keyword === 'minLength') return 'must not be empty'
  if (error.keyword === 'maxLength') return `must be at most ${limit} characters`
  return error.message ?? 'is not valid'
}
