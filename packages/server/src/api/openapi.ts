import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { completeDocument } from './document/complete-document.ts'
import type { OpenApiDocument } from './document/document-types.ts'

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
        { name: 'Projects', description: 'Where workspaces and profiles live' },
        { name: 'Profiles', description: 'What can be deployed, and in which sizes' },
        { name: 'Workspaces', description: 'Groups of instances and services in a project' },
        { name: 'Compute instances', description: 'Virtual machines' },
        { name: 'Services', description: 'Applications that run on machines of their own' },
        { name: 'Server', description: 'Health and description of the server itself' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key' },
          apiKeyId: {
            type: 'apiKey',
            in: 'header',
            name: 'X-RAFAY-API-KEYID',
            description: 'An API key, where x-api-key is not sent',
          },
        },
      },
      security: [{ apiKey: [] }, { apiKeyId: [] }],
    },
    convertConstToEnum: false,
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `schema-${index}`,
    },
    transformObject: (made) => {
      const document = (made as unknown as { openapiObject: OpenApiDocument }).openapiObject
      return completeDocument(document) as object
    },
  }
}
