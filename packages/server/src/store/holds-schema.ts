import { DatabaseSync } from 'node:sqlite'

/**
 * Whether a database file was ever set up: an empty one has no tables.
 * @throws the error of SQLite when it is no database
 */
export function holdsSchema(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    const migrations = "SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'"
    return database.prepare(migrations).get() !== undefined
  } finally {
    database.close()
  }
}
