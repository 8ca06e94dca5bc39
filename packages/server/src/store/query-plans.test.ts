import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { locatedInstances } from './located-instances.ts'
import { placedGuests, projectExists } from './placed-guests.ts'
import { Store } from './store.ts'
import { lateItems, noteLate } from './work-items.ts'
import {
  type ApiClient,
  INSTANCES,
  instanceBody,
  SERVICES,
  serviceBody,
} from '../../../../test/support/api-client.ts'
import { startSimulated } from '../../../../test/support/simulated-server.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'

const ROWS = 3_000
const ORDERS = ['createdAt', 'modifiedAt', 'name', 'displayName'].flatMap((orderBy) =>
  ['ASC', 'DESC'].map((order) => `orderBy=${orderBy}&order=${order}`),
)

/**
 * What may be read from one end to the other, and why. A statement that a change adds here reads more than it
 * answers: give it an index, or say why it need not have one.
 */
const ALLOWED: readonly { readonly scan: RegExp; readonly sql?: RegExp; readonly why: string }[] = [
  { scan: /^SCAN CONSTANT ROW$/, why: 'reads no table' },
  {
    scan: /^SCAN (kysely_migration|kysely_migration_lock|installation|organizations|sqlite_master)\b/,
    why: 'few rows',
  },
  {
    scan: /^SCAN compute_instances USING COVERING INDEX compute_instances_(status|placed)$/,
    why: 'counts what is in each status, at a scrape; and a start takes up whatever is on the host',
  },
  {
    scan: /^SCAN compute_instances USING COVERING INDEX compute_instances_troubled$/,
    why: 'that index holds only what is troubled',
  },
  {
    scan: /^SCAN compute_instances USING INDEX sqlite_autoindex_compute_instances_1$/,
    sql: / order by "id" desc limit \?$/,
    why: 'at a start, the newest hundred',
  },
  { scan: /^SCAN api_keys USING COVERING INDEX/, why: 'whether there is any: one row' },
  { scan: /^SCAN p VIRTUAL TABLE INDEX/, why: 'the migrator looks at the schema' },
  {
    scan: /^SCAN public_addresses\b/,
    why: 'once for each new public address, and no more than the pool has',
  },
]

const FORWARDED = [{ name: 'Port Forwards', value: JSON.stringify([{ internal_port: 80, source: 'any' }]) }]
const PUBLIC = [{ name: 'Assign Public IP to Guest', value: 'True' }]

/** Rows as many as a large installation has, without what would make a server work on them. */
function fill(path: string): void {
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA foreign_keys = OFF; BEGIN;
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
      SELECT i FROM n;`)
  const copies = (table: string, changes: Readonly<Record<string, string>>) => {
    const columns = database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => String(name))
    const values = columns.map((name) => changes[name] ?? `"${name}"`)
    database.exec(`INSERT INTO ${table} (${columns.map((name) => `"${name}"`).join()})
      SELECT ${values.join()} FROM (SELECT * FROM ${table} LIMIT 1), n`)
  }
  const id = `printf('%08d-0000-7000-8000-%012d', i, i)`
  const named = { id, name: `'many-' || i` }
  copies('compute_instances', {
    ...named,
    deploy_generation: 'NULL',
    published_settings: 'NULL',
    reserved_memory_mib: '0',
    ssh_port: 'NULL',
    delete_requested_at: 'NULL',
  })
  copies('workspaces', named)
  copies('profiles', named)
  copies('projects', { ...named, number: '1000 + i', network_key: `printf('k%06d', i)` })
  copies('api_keys', { id })
  copies('work_items', { object_id: id, wake_at: 'NULL', leased_until: 'NULL' })
  copies('events', { sequence: 'NULL' })
  copies('audit_records', { sequence: 'NULL' })
  copies('guest_addresses', { number: '1000 + i', instance_id: id, mac: `'mac' || i` })
  copies('public_addresses', { number: '(number + i) % 65536', instance_id: id })
  copies('external_ports', { port: '40000 + i', instance_id: id })
  database.exec('COMMIT')
  database.close()
}

/** Every kind of request, and every kind of step that they lead to. */
async function useAll(api: ApiClient): Promise<void> {
  await api.call('POST', 'workspaces', {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'other' },
  })
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('used', FORWARDED))
  await api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('used'))
  await api.waitForStatus('used', 'success')
  await api.waitForService('used', 'success')
  await api.call('POST', INSTANCES, instanceBody('used', PUBLIC))
  await api.call('POST', `${INSTANCES}/used/publish`)
  await api.waitForStatus('used', 'success')
  for (const action of ['stop', 'start', 'reboot']) {
    await api.call('POST', `${INSTANCES}/used/action/${action}`)
    await waitFor(async () => (await api.instance('used')).status?.status === 'success', {
      deadlineSeconds: 10,
      what: `the end of ${action}`,
    })
  }
  for (const list of [INSTANCES, SERVICES, 'workspaces', 'computeprofiles', 'serviceprofiles']) {
    for (const order of ORDERS) {
      const { status, body } = await api.call('GET', `${list}?limit=1&${order}`)
      expect(status, `${list} ${order}`).toBe(200)
      await api.call('GET', `${list}?limit=1&${order}&continue=${body.metadata.continue}`)
    }
    await api.call('GET', `${list}?limit=2&offset=2`)
  }
  await api.call('GET', 'computeprofiles/no-gpu-vm?systemCatalog=true')
  expect((await fetch(`${api.url}/metrics`)).status).toBe(200)
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200)
  await api.call('DELETE', 'workspaces/other')
  await api.call('DELETE', `${SERVICES}/used`)
  await api.call('DELETE', `${INSTANCES}/used`)
  await api.waitUntilGone('used')
}

/** What watches beside the server, and what an operator's commands look up. */
async function lookUp(path: string): Promise<void> {
  const store = await Store.openExisting(path)
  await store.transaction((tx) => noteLate(tx, store.clock.now(), store.clock.now()))
  await lateItems(store.db)
  await projectExists(store.db, 'defaultproject')
  await placedGuests(store.db, 'defaultproject')
  await locatedInstances(store.db, { named: 'used' })
  await locatedInstances(store.db, { named: 'used', project: 'defaultproject', workspace: 'default' })
  await store.close()
}

/** What a statement does with tables, as EXPLAIN QUERY PLAN tells it. */
interface QueryPlan {
  readonly sql: string
  /** Such as `SEARCH work_items USING INDEX work_items_due (wake_at<?)`. */
  readonly lines: readonly string[]
}

const EXPLAINED = /^\s*(select|insert|update|delete|with)\b/i

/**
 * Takes note of every statement that this process prepares from now on until the test ends, whoever wrote it.
 * @returns the statements since the last call, each once
 */
function recordQueries(): () => string[] {
  const seen = new Set<string>()
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
function plansOf(path: string, statements: readonly string[]): QueryPlan[] {
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

/** What reads more than it answers: a table from end to end, or every row of a list to sort out a page. */
function excessIn({ sql, lines }: QueryPlan): string[] {
  const scans = lines.filter(
    (line) =>
      line.startsWith('SCAN ') &&
      !ALLOWED.some(({ scan, sql: only }) => scan.test(line) && (only?.test(sql) ?? true)),
  )
  // The profiles that a project sees are its own and the catalogue's, mixed: few, and sorted as they are found.
  const isPage = sql.includes(' limit ') && !sql.includes('from "profiles"')
  const sorts = isPage ? lines.filter((line) => /TEMP B-TREE FOR .*ORDER BY/.test(line)) : []
  return [...scans, ...sorts].map((line) => `${line}: ${sql}`)
}

test('no request, step, scrape or look-up reads a whole table that grows', { timeout: 90_000 }, async () => {
  const state = await tempDir()
  const path = join(state, 'berth.db')
  const first = await startSimulated(state)
  for (const [name, variables] of Object.entries({ forwarded: FORWARDED, public: PUBLIC })) {
    await first.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name, variables))
    await first.api.waitForStatus(name, 'success')
  }
  await first.stop()
  fill(path)

  const recorded = recordQueries()
  const server = await startSimulated(state)
  expect((await server.api.call('GET', INSTANCES)).body.metadata.count).toBe(ROWS + 2)
  await useAll(server.api)
  await lookUp(path)
  await server.stop()
  const statements = recorded()
  expect(statements.length, 'what was recorded').toBeGreaterThan(60)
  expect(plansOf(path, statements).flatMap(excessIn)).toEqual([])
})
