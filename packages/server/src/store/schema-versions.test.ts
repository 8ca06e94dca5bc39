import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { berth } from '../../../../test/support/berth-command.ts'
import { startSimulated } from '../../../../test/support/simulated-server.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { writeBackup } from './backup.ts'
import { readInstallationId } from './installation.ts'
import { initial } from './migrations/0001-initial.ts'
import { nodeSqliteDialect } from './node-sqlite-dialect.ts'
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
  expect(await readInstallationId(store!.db)).toBe('old123')
  await store!.close()
})
