import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'

/** What the OpenAPI document says beside its operations, which come from the routes. */
export function openApiDocument(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Berth',
        version,
        description: 'Virtual machines and services on your own servers: apply, publish, watch, use, delete.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'Profiles', description: 'What can be deployed, and in which sizes' },
        { name: 'Workspaces', description: 'Groups of instances and services in a project' },
        { name: 'Compute instances', description: 'Virtual machines' },
        { name: 'Server', description: 'Health and description of the server itself' },
      ],
      components: {
        securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
      },
      security: [{ apiKey: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `schema-${index}`,
    },
  }
}
