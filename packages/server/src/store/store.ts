import { EventEmitter } from 'node:events'
import { Kysely, type Transaction } from 'kysely'
import { systemClock, type Clock } from './clock.ts'
import { migrate } from './migrate.ts'
import { nodeSqliteDialect } from './node-sqlite-dialect.ts'
import type { Schema } from './schema.ts'

/** What a query runs on: the store outside a transaction, or a transaction. */
export type Queryable = Kysely<Schema>
export type Tx = Transaction<Schema>

/**
 * The only memory that Berth has. One connection: SQLite has one writer, and Kysely queues for it.
 */
export class Store {
  readonly db: Kysely<Schema>
  readonly clock: Clock
  readonly #committed = new EventEmitter()

  private constructor(db: Kysely<Schema>, clock: Clock) {
    this.db = db
    this.clock = clock
    this.#committed.setMaxListeners(0)
  }

  /**
   * Opens the database, creating or migrating it.
   * @param path of the file, or `:memory:`
   * @throws SchemaError when the file holds a newer schema than this program knows
   */
  static async open(path: string, clock: Clock = systemClock): Promise<Store> {
    const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(path) })
    try {
      await migrate(db)
    } catch (error) {
      await db.destroy()
      throw error
    }
    return new Store(db, clock)
  }

  /** Opens a database as it is, beside a server that uses it. Nothing is migrated. */
  static async openExisting(path: string): Promise<Store> {
    return new Store(new Kysely<Schema>({ dialect: nodeSqliteDialect(path) }), systemClock)
  }

  /** Runs `work` in one transaction, durable when this resolves. Listeners hear of it afterwards. */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.db.transaction().execute(work)
    this.#committed.emit('commit')
    return result
  }

  /** Calls back after each commit of this process; answers a function that ends it. */
  onCommit(listener: () => void): () => void {
    this.#committed.on('commit', listener)
    return () => this.#committed.off('commit', listener)
  }

  async close(): Promise<void> {
    await this.db.destroy()
  }
}
