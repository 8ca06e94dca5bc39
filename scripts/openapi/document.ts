import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOOPBACK_REACH } from '@berth/contract/network-reach'
import type { OpenApiDocument } from '../../packages/server/src/api/document/document-types.ts'
import { createHttpServer } from '../../packages/server/src/api/http-server.ts'
import { SecretBox } from '../../packages/server/src/store/secret-box.ts'
import { Store } from '../../packages/server/src/store/store.ts'

const MANIFEST = join(import.meta.dirname, '../../packages/server/package.json')

/** The OpenAPI document that this code serves at /openapi.json, made without serving anything. */
export async function buildDocument(): Promise<OpenApiDocument> {
  const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }
  const store = await Store.open(':memory:')
  const secretBox = new SecretBox(Buffer.alloc(32))
  const app = await createHttpServer({
    store,
    secretBox,
    datacenter: 'local',
    registries: ['docker.io'],
    version,
    certificateRoot: '',
    reach: LOOPBACK_REACH,
    notReady: () => null,
  })
  try {
    await app.ready()
    return app.swagger() as unknown as OpenApiDocument
  } finally {
    await app.close()
    await store.close()
  }
}
