import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseListQuery } from '@berth/contract/list-query'
import { Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { berth } from '../../../../test/support/berth-command.ts'
import { startSimulated } from '../../../../test/support/simulated-server.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { writeBackup } from './backup.ts'
import {
  deleteInstance,
  findInstance,
  insertInstance,
  listInstances,
  placedInstances,
} from './compute-instances.ts'
import { readInstallationId } from './installation.ts'
import { initial } from './migrations/0001-initial.ts'
import { network } from './migrations/0002-network.ts'
import { indexes } from './migrations/0003-indexes.ts'
import { gpuModel } from './migrations/0004-gpu-model.ts'
import { nodeSqliteDialect } from './node-sqlite-dialect.ts'
import { publicAddressOf } from './public-addresses.ts'
import type { Schema } from './schema.ts'
import { secretKeyId } from './secret-box.ts'
import { Store } from './store.ts'

/** Each runs commands, which take a second each, or more where the machine is busy. */
const SLOW = { timeout: 60_000 }

test('a database or a backup of a newer Berth is refused by name', SLOW, async () => {
  const server = await startSimulated(await tempDir())
  await server.stop()
  const database = new DatabaseSync(join(server.state, 'berth.db'))
  database
    .prepare('INSERT INTO kysely_migration (name, timestamp) VALUES (?, ?)')
    .run('9999-from-the-future', new Date().toISOString())
  database.close()
  const refused = await berth('serve', '--driver', 'simulated', '--state', server.state)
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.said).toBe(
    'berth: The database was written by a newer Berth. Install that version, or restore a backup that this one wrote.\n',
  )
  const file = join(await tempDir(), 'newer.backup')
  await berth('backup', file, '--state', server.state, '--with-key')
  const target = join(await tempDir(), 'new')
  const restored = await berth('restore', file, '--state', target)
  expect(restored.said).toContain('written by a newer Berth')
  expect(readdirSync(target)).not.toContain('berth.db')
})

test('a backup of the first schema is brought to this one when it is restored', SLOW, async () => {
  const folder = await tempDir()
  const path = join(folder, 'old.db')
  const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(path) })
  const provider = { getMigrations: async () => ({ '0001-initial': { up: initial } }) }
  expect((await new Migrator({ db, provider }).migrateToLatest()).error).toBeUndefined()
  await db.insertInto('installation').values({ id: 'old123', created_at: 1 }).execute()
  await db.destroy()
  const key = 'ab'.repeat(32)
  const file = join(folder, 'old.backup')
  writeBackup(path, file, {
    berthVersion: '0.0.1',
    createdAt: '2026-01-01T00:00:00.000Z',
    keyId: secretKeyId(Buffer.from(key, 'hex')),
    secretKey: null,
    adminKey: null,
  })
  const keyFile = join(folder, 'secret.key')
  writeFileSync(keyFile, `${key}\n`)
  const state = join(folder, 'state')
  const restored = await berth('restore', file, '--state', state, '--key', keyFile)
  expect(restored, restored.said).toMatchObject({ code: 0 })
  const { stop } = await startSimulated(state)
  await stop()
  const store = await Store.openExisting(join(state, 'berth.db'))
  expect(await readInstallationId(store.db)).toBe('old123')
  await store.close()
})

/** What the schema before services had. */
const BEFORE_SERVICES = {
  '0001-initial': { up: initial },
  '0002-network': { up: network },
  '0003-indexes': { up: indexes },
  '0004-gpu-model': { up: gpuModel },
}

/** An instance as the schema before services held it, with everything that refers to it. */
const OLD_ROWS = `
  INSERT INTO organizations VALUES ('org', 'Org', 1);
  INSERT INTO projects VALUES ('prj', 'org', 'p', '', 'key1234', 1, 1);
  INSERT INTO workspaces VALUES ('ws', 'prj', 'w', '', '', NULL, NULL, NULL, 1, 1, '{}', '{}');
  INSERT INTO compute_instances (id, project_id, workspace_id, name, display_name, description, labels, spec,
    variables, profile, generation, deploy_generation, status, reason, phase, phase_started_at, power_state,
    desired_power, steps, machine_present, reserved_vcpus, reserved_memory_mib, reserved_gpus, created_at,
    modified_at, created_by, modified_by, ssh_address, ssh_port, ways_in, reserved_gpu_model)
  VALUES ('one', 'prj', 'ws', 'vm-1', 'VM', 'text', '{"a":"b"}', '{"s":1}', '[]', '{}', 3, 2, 'success', 'Running.',
    'run', 5, 'running', 'running', '[]', 1, 2, 2048, 1, 7, 8, '{"id":"me"}', '{"id":"you"}', '127.0.0.1', 40022,
    '{"publicAddress":""}', 'A40');
  INSERT INTO guest_addresses VALUES ('prj', 2, 'one', '02:be:00:00:00:01');
  INSERT INTO public_addresses VALUES (3, 'one', 1);
  INSERT INTO external_ports VALUES ('tcp', 30001, 'one', 80, 1);
  INSERT INTO work_items (kind, object_id) VALUES ('ComputeInstance', 'one');`

/** A database of the schema before services; its path. */
async function oldDatabase(rows: string): Promise<string> {
  const path = join(await tempDir(), 'old.db')
  const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(path) })
  const migrator = new Migrator({ db, provider: { getMigrations: async () => BEFORE_SERVICES } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  await db.destroy()
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  database.exec(rows)
  database.close()
  return path
}

test('instances of a database from before services stay what they are, and services may bear their names', async () => {
  const path = await oldDatabase(OLD_ROWS)
  const before = new DatabaseSync(path)
  const old = before.prepare('SELECT * FROM compute_instances').get()
  before.close()

  const store = await Store.open(path)
  const row = await findInstance(store.db, 'ws', 'ComputeInstance', 'vm-1')
  expect(row).toEqual({
    ...old,
    kind: 'ComputeInstance',
    container_image: null,
    certificate: null,
    shown_settings: null,
  })
  const { rows: listed, total } = await listInstances(store.db, 'ws', 'ComputeInstance', parseListQuery({}))
  expect({ names: listed.map(({ name }) => name), total }).toEqual({ names: ['vm-1'], total: 1 })
  expect(await publicAddressOf(store.db, 'one')).toMatchObject({ number: 3 })
  expect(await placedInstances(store.db)).toEqual([{ id: 'one', kind: 'ComputeInstance' }])

  await insertInstance(store.db, { ...row!, id: 'two', kind: 'Service', ssh_port: null })
  await expect(insertInstance(store.db, { ...row!, id: 'three', ssh_port: null })).rejects.toThrow('UNIQUE')
  expect((await findInstance(store.db, 'ws', 'Service', 'vm-1'))?.id).toBe('two')
  // References hold again, to the new table.
  await expect(deleteInstance(store.db, 'one')).rejects.toThrow('FOREIGN KEY')
  await expect(sql`PRAGMA foreign_key_check`.execute(store.db)).resolves.toMatchObject({ rows: [] })
  await store.close()
})

test('the lists of a kind come straight from an index', async () => {
  const store = await Store.open(await oldDatabase(OLD_ROWS))
  for (const column of ['created_at', 'modified_at', 'name', 'display_name']) {
    const { rows } = await sql<{ detail: string }>`EXPLAIN QUERY PLAN SELECT * FROM compute_instances
      WHERE workspace_id = 'ws' AND kind = 'Service' ORDER BY ${sql.ref(column)} DESC, id DESC`.execute(
      store.db,
    )
    const plan = rows.map(({ detail }) => detail).join('; ')
    expect(plan).toMatch(/^SEARCH compute_instances USING INDEX .* \(workspace_id=\? AND kind=\?\)/)
    expect(plan).not.toContain('TEMP B-TREE FOR ORDER BY')
  }
  await store.close()
})

test('a database with a broken reference is left as it is', async () => {
  const path = await oldDatabase(
    `${OLD_ROWS} INSERT INTO external_ports VALUES ('udp', 30002, 'nobody', 53, 0);`,
  )
  await expect(Store.open(path)).rejects.toThrow('could not be brought')
  const database = new DatabaseSync(path)
  expect(database.prepare('SELECT name FROM compute_instances').all()).toHaveLength(1)
  expect(database.prepare('SELECT name FROM kysely_migration ORDER BY name').all().at(-1)).toEqual({
    name: '0004-gpu-model',
  })
  database.close()
})
