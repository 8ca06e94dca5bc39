import type { FastifyInstance } from 'fastify'
import type { ApiContext } from '../api-context.ts'

/** The root of the services' certificates, for whoever is to trust them: a file of PEM, without a key. */
export function certificateAuthorityRoute(app: FastifyInstance, { certificateRoot }: ApiContext): void {
  const config = { public: true }
  app.get('/certificate-authority.pem', { config, schema: { hide: true } }, async (_, reply) => {
    return reply
      .type('application/x-pem-file')
      .header('content-disposition', 'attachment; filename="certificate-authority.pem"')
      .send(certificateRoot)
  })
}
