import { DatabaseSync } from 'node:sqlite'
import { SqliteDialect } from 'kysely'
import { StatementCache } from './statement-cache.ts'

/**
 * KiB of pages kept in memory. SQLite's own 2,000 cannot hold the indexes of some 10,000 instances, so that a
 * page far down a list is read from the file system again each time.
 */
const PAGE_CACHE_KIB = 16_384

/**
 * Kysely's SQLite dialect over Node's own driver. Opened for durability: a transaction that was
 * committed is on disk (WAL with synchronous=FULL).
 * @param path of the database file, or `:memory:`
 */
export function nodeSqliteDialect(path: string): SqliteDialect {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA foreign_keys = ON')
  database.exec('PRAGMA busy_timeout = 5000')
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`)
  const statements = new StatementCache(database)
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      // Another process may write too (`berth instance`): a transaction that only began to write after it has read
      // would fail on the other's write in between, where one that asks for its turn at once waits.
      prepare: (sql: string) => statements.prepare(sql === 'begin' ? 'begin immediate' : sql),
    },
  })
}
