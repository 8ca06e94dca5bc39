import Type from 'typebox'

/**
 * Every error that the API answers: HTTP status and the word in `reason`. One table, so that clients
 * can rely on the words.
 */
export const ERROR_TABLE = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  RequestTimeout: 408,
  AlreadyExists: 409,
  Conflict: 409,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  RequestHeaderFieldsTooLarge: 431,
  InternalError: 500,
} as const satisfies Record<string, number>

export type ErrorReason = keyof typeof ERROR_TABLE

/**
 * The error body. Each known client reads another of these fields, so all are always there, and `code`
 * is always a number (wire contract 3).
 */
export const ErrorBody = Type.Object(
  {
    code: Type.Integer({ description: 'The HTTP status' }),
    message: Type.String({ description: 'What is wrong and how to mend it, for a person' }),
    reason: Type.Enum(Object.keys(ERROR_TABLE) as ErrorReason[]),
    internal: Type.String({ description: 'The same sentence' }),
    external: Type.String({ description: 'The same sentence' }),
    field: Type.Optional(Type.String({ description: 'The field or parameter at fault' })),
  },
  {
    $id: 'Error',
    examples: [
      {
        code: 404,
        message: 'Compute instance "vm-1" not found in workspace "dev".',
        reason: 'NotFound',
        internal: 'Compute instance "vm-1" not found in workspace "dev".',
        external: 'Compute instance "vm-1" not found in workspace "dev".',
      },
    ],
  },
)
export type ErrorBody = Type.Static<typeof ErrorBody>

/** A request that is refused, with everything its answer needs. */
export class ApiError extends Error {
  readonly reason: ErrorReason
  readonly field: string | undefined

  constructor(reason: ErrorReason, message: string, field?: string) {
    super(message)
    this.name = 'ApiError'
    this.reason = reason
    this.field = field
  }

  /** 400: a field of the body or a parameter of the query is wrong. */
  static invalid(field: string, problem: string): ApiError {
    return new ApiError('BadRequest', `${field}: ${problem}.`, field)
  }

  /** 404. Clients look for the words "not found" (wire contract 3). */
  static notFound(what: string, where?: string): ApiError {
    return new ApiError('NotFound', `${what} not found${where ? ` in ${where}` : ''}.`)
  }

  /** 409: the object's state does not allow the request. */
  static conflict(message: string): ApiError {
    return new ApiError('Conflict', message)
  }

  get status(): number {
    return ERROR_TABLE[this.reason]
  }

  /** The body to answer with. */
  toBody(): ErrorBody {
    return {
      code: this.status,
      message: this.message,
      reason: this.reason,
      internal: this.message,
      external: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
    }
  }
}
