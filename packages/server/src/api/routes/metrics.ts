import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiMetrics } from '../api-metrics.ts'

const LOOPBACK_ADDRESS = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/
const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?$/i

/**
 * Whether a request comes from a program on this host that scrapes for itself. One that a proxy passes on is not,
 * and neither is one that a browser was lured into by a name that points here (DNS rebinding).
 */
export function isLocalScrape(request: Pick<FastifyRequest, 'headers' | 'ip'>): boolean {
  const { headers, ip } = request
  const proxied = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'].some(
    (name) => headers[name] !== undefined,
  )
  return LOOPBACK_ADDRESS.test(ip) && !proxied && LOOPBACK_HOST.test(headers.host ?? '')
}

/**
 * `/metrics`, for Prometheus: without a key for scrapers on this host, else with one. It is not in the OpenAPI
 * document, which cannot say that a key depends on where a request comes from; the figures describe themselves
 * in Prometheus' own format, and docs/operations.md lists them.
 */
export function metricsRoutes(app: FastifyInstance, metrics: ApiMetrics): void {
  app.get(
    '/metrics',
    { config: { public: isLocalScrape }, schema: { hide: true } },
    async (_request, reply) => {
      const text = await metrics.render()
      return reply.header('content-type', metrics.contentType).header('cache-control', 'no-store').send(text)
    },
  )
}
