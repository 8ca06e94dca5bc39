import type { Kysely } from 'kysely'

/** Work items say when their step began, and since when they are late. */
export async function lateWork(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('work_items').addColumn('began_at', 'integer').execute()
  await db.schema.alterTable('work_items').addColumn('late_since', 'integer').execute()
}
