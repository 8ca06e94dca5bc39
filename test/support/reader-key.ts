import { join } from 'node:path'
import { newApiKey } from '../../packages/server/src/auth/api-key-format.ts'
import { insertApiKey } from '../../packages/server/src/store/api-keys.ts'
import { Store } from '../../packages/server/src/store/store.ts'

/** Makes a key that may only read, for the server that uses `state`. */
export async function makeReaderKey(state: string): Promise<string> {
  const store = await Store.openExisting(join(state, 'berth.db'))
  try {
    const made = newApiKey()
    const organization = await store.db.selectFrom('organizations').select('id').executeTakeFirstOrThrow()
    await insertApiKey(store.db, {
      id: made.id,
      hash: made.hash,
      organization_id: organization.id,
      role: 'reader',
      username: 'reader@berth.local',
      user_id: 'reader0',
      created_at: store.clock.now(),
    })
    return made.key
  } finally {
    await store.close()
  }
}
