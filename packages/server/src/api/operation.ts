import Type, { type TSchema } from 'typebox'

const ErrorRef = Type.Ref('Error')

const ERROR_DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request is wrong: the message names the field and the fix',
  401: 'No API key, or not a valid one',
  403: 'The API key may not do this',
  404: 'No such object',
  409: 'The state of the object does not allow this',
  413: 'The body is too large',
  415: 'The body is not JSON in UTF-8',
}

interface OperationParts {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly params?: TSchema
  readonly querystring?: TSchema
  readonly body?: TSchema
  readonly ok: TSchema
  /** The statuses of errors besides 401, which every operation with a key can answer. */
  readonly errors: readonly number[]
  readonly public?: boolean
}

/** A route's schema: what its operation in the OpenAPI document is made from, and what requests are held to. */
export function operation(parts: OperationParts) {
  const { ok, errors, public: isPublic, ...schema } = parts
  const statuses = isPublic ? errors : [401, ...errors]
  return {
    config: isPublic ? { public: true } : {},
    schema: {
      ...schema,
      tags: [...parts.tags],
      ...(isPublic ? { security: [] } : {}),
      response: {
        200: ok,
        ...Object.fromEntries(
          statuses.map((status) => [
            status,
            {
              description: ERROR_DESCRIPTIONS[status] ?? 'Error',
              content: { 'application/json': { schema: ErrorRef } },
            },
          ]),
        ),
      },
    },
  }
}

/** Path parameters by name. */
export function pathParameters(...names: readonly string[]) {
  return Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])))
}

/** The query parameter of apply that refuses to change an existing object (guide). */
export const FailOnExists = {
  'fail-on-exists': Type.Optional(
    Type.String({
      description: 'true: answer 409 when the object exists, instead of changing it',
      default: 'false',
    }),
  ),
}

/** An empty answer (guide: DELETE shows no response body). */
export const Empty = Type.Object({}, { description: 'Done' })
