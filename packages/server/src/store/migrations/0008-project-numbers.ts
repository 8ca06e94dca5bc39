import { sql, type Kysely } from 'kysely'

/** Every project gets a number that no other has: small ones, as places at the edge router are counted by it. */
export async function projectNumbers(db: Kysely<never>): Promise<void> {
  await db.schema
    .alterTable('projects')
    .addColumn('number', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
  await sql`UPDATE projects SET number = (SELECT count(*) FROM projects AS other WHERE other.id <= projects.id)`.execute(
    db,
  )
  await db.schema.createIndex('projects_number').unique().on('projects').column('number').execute()
}
