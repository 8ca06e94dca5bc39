import { ApiError, type ErrorReason } from '@berth/contract/api-error'
import type { FastifyInstance } from 'fastify'
import { BODY_LIMIT } from './request-body.ts'

/** What the HTTP layer refuses by itself, in the API's words. */
const HTTP_LAYER: Readonly<Record<string, [ErrorReason, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PayloadTooLarge', `body: must be at most ${BODY_LIMIT / 1024} KiB.`],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['BadRequest', 'Content-Length: does not match the body.'],
  FST_ERR_BAD_URL: ['BadRequest', 'url: is not a valid path.'],
}

interface CodedError extends Error {
  readonly code?: string
  readonly statusCode?: number
}

/** The API's error for anything that was thrown; what nobody foresaw is an InternalError without detail. */
function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const { code = '', statusCode = 500, message } = error as CodedError
  const known = HTTP_LAYER[code]
  if (known) return new ApiError(known[0], known[1])
  if (statusCode >= 400 && statusCode < 500) return new ApiError('BadRequest', message)
  return new ApiError(
    'InternalError',
    'Something went wrong inside Berth. The request id leads to its log entry.',
  )
}

/** Answers every error in the one shape (wire contract 3). */
export function installErrorHandling(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const apiError = apiErrorOf(error)
    if (apiError.status >= 500) request.log.error({ err: error }, 'request failed')
    return reply.status(apiError.status).send(apiError.toBody())
  })
  app.setNotFoundHandler((request, reply) => {
    const error = ApiError.notFound(`${request.method} ${request.url.split('?')[0]?.slice(0, 200)}`)
    return reply.status(404).send(error.toBody())
  })
}
