import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { SqliteStatement } from 'kysely'

/** Far more than the program has queries; only SQL whose text varies could reach it. */
const MOST_STATEMENTS = 500
/** SQL that leaves the tables as they are; after any other, what was prepared may be out of date. */
const KEEPS_SCHEMA = /^\s*(select|insert|update|delete|with|begin|commit|rollback|savepoint|release)\b/i

/** Prepares each SQL text once, since that takes longer than most statements take to run. */
export class StatementCache {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = statementOf(this.#database, sql)
    if (!KEEPS_SCHEMA.test(sql)) this.#statements.clear()
    else if (this.#statements.size < MOST_STATEMENTS) this.#statements.set(sql, statement)
    return statement
  }
}

function statementOf(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql)
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => {
      // SQLite itself rolls back on a full disk (sqlite.org/lang_transaction.html); a second rollback would fail,
      // and hide why.
      if (sql === 'rollback' && !database.isTransaction) return { changes: 0, lastInsertRowid: 0 }
      return statement.run(...(parameters as SQLInputValue[]))
    },
    // It may be half read when the same SQL comes again, so it gets a statement of its own.
    iterate: (parameters) =>
      database.prepare(sql).iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
  }
}
