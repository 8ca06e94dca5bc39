import { ApiError, type ErrorReason } from '@berth/contract/api-error'
import { randomUUIDv7 } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { storageProblem } from '../store/storage-error.ts'
import { BODY_LIMIT } from './request-body.ts'

/** What the HTTP layer refuses by itself, in the API's words. */
const HTTP_LAYER: Readonly<Record<string, [ErrorReason, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PayloadTooLarge', `body: must be at most ${BODY_LIMIT / 1024} KiB.`],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['BadRequest', 'Content-Length: does not match the body.'],
  FST_ERR_BAD_URL: ['BadRequest', 'url: is not a valid path.'],
  FST_ERR_MAX_PARAM_LENGTH: ['BadRequest', 'url: a name in the path is too long.'],
  HPE_HEADER_OVERFLOW: ['RequestHeaderFieldsTooLarge', 'headers: must be at most 16 KiB in all.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['RequestTimeout', 'The request did not arrive within 30 seconds.'],
}

/** Characters of a path that are repeated or logged. */
const SHOWN_PATH = 200

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
  const problem = storageProblem(error)
  if (problem)
    return new ApiError('InternalError', `Nothing was changed: ${problem}. Try again when that is mended.`)
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
    const error = ApiError.notFound(`${request.method} ${request.url.split('?')[0]?.slice(0, SHOWN_PATH)}`)
    return reply.status(404).send(error.toBody())
  })
}

/** Answers what never becomes a routed request, such as a path with broken percent-encoding. */
export function frameworkErrors(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const apiError = apiErrorOf(error)
  const { method, url } = request
  const path = url.split('?')[0]?.slice(0, SHOWN_PATH)
  request.log.info({ method, path, status: apiError.status }, 'request')
  void reply.header('x-request-id', request.id).status(apiError.status).send(apiError.toBody())
}

/** Answers what is not even HTTP, on the bare socket. */
export function refuseOnSocket(
  log: FastifyBaseLogger,
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const known = HTTP_LAYER[error.code ?? '']
  const apiError = known
    ? new ApiError(...known)
    : new ApiError('BadRequest', 'The request is not valid HTTP.')
  const id = randomUUIDv7()
  log.info({ reqId: id, status: apiError.status, code: error.code }, 'request')
  const body = JSON.stringify(apiError.toBody())
  const head = [
    `HTTP/1.1 ${apiError.status} ${STATUS_CODES[apiError.status]}`,
    `X-Request-Id: ${id}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
