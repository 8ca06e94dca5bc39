import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { ApiContext } from '../api-context.ts'
import { operation } from '../operation.ts'

const Health = Type.Object(
  { status: Type.Literal('ok'), version: Type.String() },
  { description: 'The process answers' },
)
const Readiness = Type.Object(
  { status: Type.Enum(['ready', 'not ready']), reason: Type.String() },
  { description: 'Running guests are adopted and their ways in are open' },
)

/** `/healthz`: the process answers. `/readyz`: guests are adopted and forwards are up. */
export function healthRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/healthz',
    operation({
      operationId: 'getHealth',
      tags: ['Server'],
      summary: 'Is the process alive',
      ok: Health,
      errors: [],
      public: true,
    }),
    async () => ({ status: 'ok', version: context.version }),
  )
  const ready = operation({
    operationId: 'getReadiness',
    tags: ['Server'],
    summary: 'Is the server ready',
    ok: Readiness,
    errors: [],
    public: true,
  })
  const schema = { ...ready.schema, response: { ...ready.schema.response, 503: Readiness } }
  app.get('/readyz', { ...ready, schema }, async (_request, reply) => {
    const reason = context.notReady()
    return reply
      .status(reason === null ? 200 : 503)
      .send({ status: reason === null ? 'ready' : 'not ready', reason: reason ?? context.trouble?.() ?? '' })
  })
}
