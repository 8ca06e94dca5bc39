import { readFileSync } from 'node:fs'
import { LOOPBACK_REACH } from '@berth/contract/network-reach'
import { createHttpServer } from '../../packages/server/src/api/http-server.ts'
import { bootstrap } from '../../packages/server/src/auth/bootstrap.ts'
import { loadCatalogue } from '../../packages/server/src/main/catalogue.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import { SecretBox } from '../../packages/server/src/store/secret-box.ts'
import { Store } from '../../packages/server/src/store/store.ts'
import { tellAuthors } from './commits.ts'

const START = 1_000_000 * SECOND

type HttpServer = Awaited<ReturnType<typeof createHttpServer>>

/**
 * A database in memory, in virtual time, and the real API on it. Making one takes longer than a run on it, so runs
 * that leave nothing behind share one.
 */
export class Installation {
  readonly store: Store
  readonly clock: { time: number }
  readonly secretBox: SecretBox
  readonly #http: HttpServer
  readonly #key: string

  private constructor(
    store: Store,
    clock: { time: number },
    secretBox: SecretBox,
    http: HttpServer,
    key: string,
  ) {
    this.store = store
    this.clock = clock
    this.secretBox = secretBox
    this.#http = http
    this.#key = key
  }

  /** @param state a directory for the operator's key */
  static async open(state: string): Promise<Installation> {
    const clock = { time: START, now: () => clock.time }
    const store = await Store.open(':memory:', clock)
    tellAuthors(store)
    await loadCatalogue(store, await bootstrap(store, state))
    const secretBox = new SecretBox(Buffer.alloc(32, 1))
    const http = await createHttpServer({
      store,
      secretBox,
      datacenter: 'local',
      version: '0',
      certificateRoot: '',
      reach: LOOPBACK_REACH,
      registries: ['docker.io'],
      notReady: () => null,
    })
    return new Installation(store, clock, secretBox, http, readFileSync(`${state}/admin.key`, 'utf8').trim())
  }

  async close(): Promise<void> {
    await this.#http.close()
    await this.store.close()
  }

  /** Seconds since the beginning of the run. */
  get seconds(): number {
    return (this.clock.time - START) / SECOND
  }

  /** Another run begins: time does, and what was recorded of the last one is forgotten. */
  async beginRun(): Promise<void> {
    this.clock.time = START
    await this.store.db.deleteFrom('events').execute()
    await this.store.db.deleteFrom('audit_records').execute()
  }

  /**
   * What steps write at their end, as text to compare. A guest's address is given back earlier, as its place on the
   * network is removed, and like all that is removed from a host it can be once more.
   */
  async snapshot(): Promise<string> {
    const tables = [
      'compute_instances',
      'public_addresses',
      'external_ports',
      'work_items',
      'events',
    ] as const
    const rows = tables.map((table) => this.store.db.selectFrom(table).selectAll().execute())
    return JSON.stringify(await Promise.all(rows))
  }

  async call(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<{ status: number; body: unknown }> {
    const headers = { 'x-api-key': this.#key, 'content-type': 'application/json' }
    const payload = body === undefined ? {} : { payload: body }
    const answer = await this.#http.inject({ method, url, headers, ...payload })
    return { status: answer.statusCode, body: answer.json() }
  }
}
