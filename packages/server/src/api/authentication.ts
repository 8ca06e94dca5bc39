import { ApiError } from '@berth/contract/api-error'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authenticate } from '../auth/authenticate.ts'
import { mayWrite } from '../auth/caller.ts'
import type { Store } from '../store/store.ts'
import type { Requester } from '../store/records.ts'

const WRITING = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Finds the caller of every request before its body is read. Both headers of the wire contract carry a key. */
export function installAuthentication(app: FastifyInstance, store: Store): void {
  app.decorateRequest('caller')
  app.addHook('onRequest', async (request) => {
    const { public: open } = request.routeOptions.config
    if (request.is404 || (typeof open === 'function' ? open(request) : open)) return
    request.caller = await authenticate(
      store,
      headerOf(request, 'x-api-key') || headerOf(request, 'x-rafay-api-keyid'),
    )
    if (WRITING.has(request.method) && !mayWrite(request.caller)) {
      throw new ApiError('Forbidden', 'This API key may read only.')
    }
  })
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value.trim() : undefined
}

/** Who sent this request, for its audit record. */
export function requesterOf(request: FastifyRequest): Requester {
  return {
    requestId: request.id,
    keyId: request.caller.keyId,
    username: request.caller.principal.username,
    sourceIp: request.ip,
  }
}
