import type { Kysely } from 'kysely'

/** The authority that signs the certificates of services. */
export async function certificateAuthority(db: Kysely<never>): Promise<void> {
  for (const column of ['ca_certificate', 'ca_key'])
    await db.schema.alterTable('installation').addColumn(column, 'text').execute()
}
