import { DatabaseSync } from 'node:sqlite'
import { onTestFinished, vi } from 'vitest'

/** What a statement does with tables, as EXPLAIN QUERY PLAN tells it. */
export interface QueryPlan {
  readonly sql: string
  /** Such as `SEARCH work_items USING INDEX work_items_due (wake_at<?)`. */
  readonly lines: readonly string[]
}

const EXPLAINED = /^\s*(select|insert|update|delete|with)\b/i

/**
 * Takes note of every statement that this process prepares from now on until the test ends, whoever wrote it.
 * @returns the statements since the last call, each once
 */
export function recordQueries(): () => string[] {
  const seen = new Set<string>()
  // oxlint-disable-next-line typescript/unbound-method -- called on the database below
  const prepare = DatabaseSync.prototype.prepare
  const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
    this: DatabaseSync,
    sql: string,
  ) {
    if (EXPLAINED.test(sql)) seen.add(sql)
    return prepare.call(this, sql)
  })
  onTestFinished(() => spy.mockRestore())
  return () => {
    const statements = [...seen]
    seen.clear()
    return statements
  }
}

/** How SQLite would run statements on a database as it is. */
export function plansOf(path: string, statements: readonly string[]): QueryPlan[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return statements.map((sql) => {
      const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]
      return { sql, lines: rows.map(({ detail }) => detail) }
    })
  } finally {
    database.close()
  }
}
