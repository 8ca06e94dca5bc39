import { ApiError } from '@berth/contract/api-error'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseJson } from './json-text.ts'

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
  return parseJson(body)
}
