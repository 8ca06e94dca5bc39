import Type, { type TSchema } from 'typebox'
import { ERROR_RESPONSES, type ErrorStatus } from './document/error-responses.ts'

const ErrorRef = Type.Ref('Error')

interface OperationParts {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly params?: TSchema
  readonly querystring?: TSchema
  readonly body?: TSchema
  readonly ok: TSchema
  /** Headers that a success may have besides those of every answer. */
  readonly okHeaders?: Readonly<Record<string, TSchema>>
  /** The statuses of errors besides those that every operation with a key can answer (document/operation-errors.ts). */
  readonly errors: readonly ErrorStatus[]
  readonly public?: boolean
}

/**
 * A route's schema: what its operation in the OpenAPI document is made from, and what requests are held to.
 * Its examples are in document/operation-examples.ts.
 */
export function operation(parts: OperationParts) {
  const { ok, okHeaders, errors, public: isPublic, ...schema } = parts
  return {
    config: isPublic ? { public: true } : {},
    schema: {
      ...schema,
      tags: [...parts.tags],
      ...(isPublic ? { security: [] } : {}),
      response: {
        200: {
          description: (ok as { description?: string }).description ?? 'Done',
          ...(okHeaders ? { headers: okHeaders } : {}),
          content: { 'application/json': { schema: ok } },
        },
        ...Object.fromEntries(
          errors.map((status) => [
            status,
            {
              description: ERROR_RESPONSES[status].description,
              content: { 'application/json': { schema: ErrorRef } },
            },
          ]),
        ),
      },
    },
  }
}

/** The longest name in a path that a request is routed by. */
export const MAX_PATH_NAME = 1024

const named = (options: object) => Type.String({ maxLength: MAX_PATH_NAME, ...options })

const PATH_PARAMETERS: Readonly<Record<string, TSchema>> = {
  project: named({ description: 'Name of the project', examples: ['defaultproject'] }),
  workspace: named({ description: 'Name of the workspace', examples: ['dev1'] }),
  name: named({ description: 'Name of the object' }),
  action: Type.String({
    description: 'What to do; `status.actions` lists what fits now',
    examples: ['stop'],
  }),
}

/** Path parameters by name. */
export function pathParameters(...names: readonly string[]) {
  return Type.Object(Object.fromEntries(names.map((name) => [name, PATH_PARAMETERS[name] ?? Type.String()])))
}

/** The query parameter of apply that refuses to change an existing object (guide). */
export const FailOnExists = {
  'fail-on-exists': Type.Optional(
    Type.Boolean({
      description: 'true: answer 409 when the object exists, instead of changing it',
      default: false,
      examples: [false],
    }),
  ),
}

/** What an apply says of a configuration that it took (warning-headers.ts). */
export const WarningHeaders = {
  Warning: Type.String({
    description: 'What does not do what was most likely meant, a header each: `299 - "text"` (RFC 7234)',
  }),
}

/** An empty answer (guide: DELETE shows no response body). */
export const Empty = Type.Object({}, { description: 'Done' })
