import { ApiError } from '@berth/contract/api-error'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** The largest body that is read, in bytes. */
export const BODY_LIMIT = 256 * 1024

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i

/**
 * Reads bodies as this API's clients send them: JSON, or nothing at all under any content type; a
 * publish or a DELETE often says JSON and sends none (wire contract 0.6).
 */
export function installBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    async (request: FastifyRequest, body: Buffer) => parseBody(request, body),
  )
}

function parseBody({ headers }: FastifyRequest, body: Buffer): unknown {
  if (body.length === 0) return undefined
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    throw new ApiError(
      'UnsupportedMediaType',
      'Content-Encoding: send the body as it is, not compressed.',
      'Content-Encoding',
    )
  }
  const contentType = headers['content-type'] ?? ''
  if (!JSON_TYPE.test(contentType)) {
    throw new ApiError(
      'UnsupportedMediaType',
      'Content-Type: send JSON in UTF-8 as "application/json".',
      'Content-Type',
    )
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body), refusePrototype)
  } catch (error) {
    if (error instanceof ApiError) throw error
    const problem =
      error instanceof SyntaxError
        ? error.message.replace(/, ".*" is not valid JSON$/s, '')
        : 'it is not UTF-8'
    throw ApiError.invalid('body', `is not JSON: ${problem.slice(0, 120)}`)
  }
}

function refusePrototype(name: string, value: unknown): unknown {
  if (name === '__proto__') throw ApiError.invalid('body', 'must not hold a member named "__proto__"')
  return value
}
