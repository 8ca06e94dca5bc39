import type { Kysely } from 'kysely'

/** What an operation leaves behind that the objects themselves cannot tell. */
export async function auditDetail(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('audit_records').addColumn('detail', 'text').execute()
}
