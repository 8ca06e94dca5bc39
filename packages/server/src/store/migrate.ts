import type { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { initial } from './migrations/0001-initial.ts'
import { network } from './migrations/0002-network.ts'
import { indexes } from './migrations/0003-indexes.ts'
import { gpuModel } from './migrations/0004-gpu-model.ts'
import type { Schema } from './schema.ts'

/** Every migration in order; a database names those it has had. */
const MIGRATIONS = {
  '0001-initial': { up: initial },
  '0002-network': { up: network },
  '0003-indexes': { up: indexes },
  '0004-gpu-model': { up: gpuModel },
}

/** A database whose schema this program cannot use; the message says what to do. */
export class SchemaError extends Error {}

/**
 * Brings the database to this program's schema.
 * @throws SchemaError when the database has had a migration that this program does not know: it was written
 *   by a newer Berth
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (!error) return
  if (error instanceof Error && error.message.includes('is missing')) {
    throw new SchemaError(
      'The database was written by a newer Berth. Install that version, or restore a backup that this one wrote.',
      { cause: error },
    )
  }
  throw new Error('The database could not be brought to this version’s schema.', { cause: error })
}
