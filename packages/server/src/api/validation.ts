import { ApiError } from '@berth/contract/api-error'
import {
  CONTAINER_PATH,
  ENVIRONMENT_NAME,
  URL_PATH,
  VOLUME_NAME,
} from '@berth/contract/application/application-names'
import { GUEST_IMAGE_NAME, GUEST_IMAGE_NAME_WORDS } from '@berth/contract/guest-image-name'
import { OBJECT_NAME_PATTERN, OBJECT_NAME_WORDS } from '@berth/contract/object-name'
import { ONE_LINE } from '@berth/contract/one-line'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'

/** Characters of a member's name that an error repeats. */
const SHOWN_STEP = 128

/** The contract's patterns in words, which complete "must be …". */
const PATTERN_WORDS: ReadonlyMap<string, string> = new Map([
  [OBJECT_NAME_PATTERN, OBJECT_NAME_WORDS],
  [GUEST_IMAGE_NAME, GUEST_IMAGE_NAME_WORDS],
  [ENVIRONMENT_NAME, 'letters, digits and underscores, at most 128, not beginning with a digit'],
  [
    VOLUME_NAME,
    'lower-case letters, digits and dashes, at most 32, beginning and ending with a letter or digit',
  ],
  [CONTAINER_PATH, 'an absolute path of letters, digits, dots, dashes and underscores, without "." and ".."'],
  [URL_PATH, 'a path of letters, digits and . _ ~ - that begins with a slash'],
  [ONE_LINE, 'one line without control characters'],
])

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
  const path = pathOf(error)
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

/** Where the fault is; of a member's name that is wrong, the member. */
function pathOf({ instancePath, propertyName }: ErrorObject): string {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return [...steps, ...(propertyName === undefined ? [] : [propertyName])]
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${shortened(step)}`))
    .join('')
    .replace(/^\./, '')
}

function shortened(step: string): string {
  return step.length > SHOWN_STEP ? `${step.slice(0, SHOWN_STEP)}…` : step
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
  const { type, limit, pattern } = error.params as { type?: string; limit?: number; pattern?: string }
  const words = PATTERN_WORDS.get(pattern ?? '')
  if (words !== undefined) return `must be ${words}`
  if (error.keyword === 'type') return `must be ${ARTICLES[type ?? ''] ?? type}`
  if (error.keyword === 'maxItems') return `must hold at most ${limit} entries`
  if (error.keyword === 'minLength') return 'must not be empty'
  if (error.keyword === 'maxLength') return `must be at most ${limit} characters`
  return error.message ?? 'is not valid'
}
