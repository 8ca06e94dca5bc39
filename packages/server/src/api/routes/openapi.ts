import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { operation } from '../operation.ts'

/** The OpenAPI document, for anybody. */
export function openApiRoutes(app: FastifyInstance): void {
  app.get(
    '/openapi.json',
    operation({
      operationId: 'getOpenApi',
      tags: ['Server'],
      summary: 'This document',
      ok: Type.Object({}, { additionalProperties: true, description: 'OpenAPI 3.1' }),
      errors: [],
      public: true,
    }),
    async () => app.swagger(),
  )
}
