import { sql, type Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { initial } from './migrations/0001-initial.ts'
import { network } from './migrations/0002-network.ts'
import { indexes } from './migrations/0003-indexes.ts'
import { gpuModel } from './migrations/0004-gpu-model.ts'
import { services } from './migrations/0005-services.ts'
import { auditDetail } from './migrations/0006-audit-detail.ts'
import { certificateAuthority } from './migrations/0007-certificate-authority.ts'
import { projectNumbers } from './migrations/0008-project-numbers.ts'
import { lateWork } from './migrations/0009-late-work.ts'
import { hotPaths } from './migrations/0010-hot-paths.ts'
import type { Schema } from './schema.ts'

/** Every migration in order; a database names those it has had. */
const MIGRATIONS = {
  '0001-initial': { up: initial },
  '0002-network': { up: network },
  '0003-indexes': { up: indexes },
  '0004-gpu-model': { up: gpuModel },
  '0005-services': { up: withReferencesChecked(services) },
  '0006-audit-detail': { up: auditDetail },
  '0007-certificate-authority': { up: certificateAuthority },
  '0008-project-numbers': { up: projectNumbers },
  '0009-late-work': { up: lateWork },
  '0010-hot-paths': { up: hotPaths },
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
  // A table that others refer to can be made anew only without them, and the switch does nothing within the
  // migrator's transaction (sqlite.org/pragma.html#pragma_foreign_keys).
  await sql`PRAGMA foreign_keys = OFF`.execute(db)
  const { error } = await migrator.migrateToLatest()
  await sql`PRAGMA foreign_keys = ON`.execute(db)
  if (!error) return
  if (error instanceof Error && error.message.includes('is missing')) throw newerSchema(error)
  throw new Error('The database could not be brought to this version’s schema.', { cause: error })
}

/** A migration that is undone when it leaves a row that refers to one that is not there. */
function withReferencesChecked(up: (db: Kysely<never>) => Promise<void>) {
  return async (db: Kysely<never>): Promise<void> => {
    await up(db)
    const { rows } = await sql<{ table: string; parent: string }>`PRAGMA foreign_key_check`.execute(db)
    const broken = rows[0]
    if (broken)
      throw new Error(`A row of ${broken.table} refers to a row of ${broken.parent} that is not there.`)
  }
}

/**
 * Makes sure, changing nothing, that the database has this program's schema: for a command that writes beside a server.
 * @throws SchemaError when it has an older or a newer one
 */
export async function checkSchema(db: Kysely<Schema>): Promise<void> {
  const had = await db.selectFrom('kysely_migration').select('name').execute()
  const names = new Set(had.map(({ name }) => name))
  const known = Object.keys(MIGRATIONS)
  if ([...names].some((name) => !known.includes(name))) throw newerSchema()
  if (known.every((name) => names.has(name))) return
  throw new SchemaError('The database was written by an older Berth. Start berth serve of this version once.')
}

function newerSchema(cause?: Error): SchemaError {
  return new SchemaError(
    'The database was written by a newer Berth. Install that version, or restore a backup that this one wrote.',
    { cause },
  )
}
