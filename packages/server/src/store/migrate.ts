import type { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { initial } from './migrations/0001-initial.ts'
import type { Schema } from './schema.ts'

/** Every migration in order; a database names those it has had. */
const MIGRATIONS = { '0001-initial': { up: initial } }

/**
 * Brings the database to this program's schema.
 * @throws Error when the database has had a migration that this program does not know: it was written
 *   by a newer Berth
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (!error) return
  if (error instanceof Error && error.message.includes('is missing')) {
    throw new Error('The database was written by a newer Berth. Install that version, or restore a backup.', {
      cause: error,
    })
  }
  throw new Error('The database could not be brought to this version’s schema.', { cause: error })
}
