import type { Insertable } from 'kysely'
import type { ApiKeyRow, Schema } from './schema.ts'
import type { Queryable } from './store.ts'

export async function findApiKey(db: Queryable, id: string): Promise<ApiKeyRow | undefined> {
  return db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertApiKey(db: Queryable, row: Insertable<Schema['api_keys']>): Promise<void> {
  await db.insertInto('api_keys').values(row).execute()
}

/** Whether anybody can sign in at all. */
export async function hasApiKeys(db: Queryable): Promise<boolean> {
  return (await db.selectFrom('api_keys').select('id').limit(1).executeTakeFirst()) !== undefined
}
