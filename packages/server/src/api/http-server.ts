import { randomUUIDv7 } from 'node:crypto'
import { ApiError, ErrorBody } from '@berth/contract/api-error'
import { INSTANCE_KINDS } from '@berth/contract/instance-kind'
import swagger from '@fastify/swagger'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { ApiContext } from './api-context.ts'
import { installAuthentication } from './authentication.ts'
import { frameworkErrors, installErrorHandling, refuseOnSocket } from './errors.ts'
import { openApiDocument } from './openapi.ts'
import { MAX_PATH_NAME } from './operation.ts'
import { BODY_LIMIT, installBodyParser } from './request-body.ts'
import { certificateAuthorityRoute } from './routes/certificate-authority.ts'
import { healthRoutes } from './routes/health.ts'
import { instanceRoutes } from './routes/instances.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { profileRoutes } from './routes/profiles.ts'
import { projectRoutes } from './routes/projects.ts'
import { workspaceRoutes } from './routes/workspaces.ts'
import { installValidation } from './validation.ts'

const REQUEST_TIMEOUT_MS = 30_000
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

/** The HTTP API, ready to listen or to be injected requests. */
export async function createHttpServer(
  context: ApiContext,
  logger?: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    ...(logger ? { loggerInstance: logger } : {}),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS * 2,
    // A client's own request id is kept when it is harmless to log.
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUIDv7()
    },
    // The answers that Node would give by itself have neither our shape nor a request id.
    http: { requireHostHeader: false },
    // A request that arrives while the server ends is served: clients repeat a POST after 503.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PATH_NAME },
    frameworkErrors,
    clientErrorHandler: (error, socket) => refuseOnSocket(app.log, error, socket),
    // One entry a request, written below, instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
  })
  // An expectation that nobody knows may be passed over (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (...exchange) => app.server.emit('request', ...exchange))
  app.addSchema(ErrorBody)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw ApiError.invalid('Host', 'the header is missing (RFC 9112, 3.2)')
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?')[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        keyId: request.caller?.keyId,
      },
      'request',
    )
    context.metrics?.requestFinished({
      method: request.method,
      route: request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched'),
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    })
  })
  installErrorHandling(app)
  installBodyParser(app)
  installValidation(app)
  installAuthentication(app, context.store)
  await app.register(swagger, openApiDocument(context.version))
  await app.register(async (routes) => {
    healthRoutes(routes, context)
    openApiRoutes(routes)
    certificateAuthorityRoute(routes, context)
    if (context.metrics) metricsRoutes(routes, context.metrics)
    projectRoutes(routes, context)
    profileRoutes(routes, context)
    workspaceRoutes(routes, context)
    for (const kind of INSTANCE_KINDS) instanceRoutes(routes, context, kind)
  })
  return app
}
