import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { storageProblem } from './storage-error.ts'
import { Store } from './store.ts'

test('a full disk refuses what does not fit, keeps what was accepted, and lets go on once there is room', async () => {
  const store = await Store.open(join(await tempDir(), 'berth.db'))
  const insert = (id: string, name: string) =>
    store.transaction(async (tx) => {
      await tx.insertInto('organizations').values({ id, name, created_at: 1 }).execute()
    })
  await insert('first', 'kept')
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.db)
  await sql`pragma max_page_count = ${sql.lit((rows[0]?.page_count ?? 0) + 2)}`.execute(store.db)
  const refusal = await insert('large', 'x'.repeat(100_000)).catch((error: unknown) => error)
  expect(storageProblem(refusal)).toBe('the disk that holds the database is full')
  expect((await store.db.selectFrom('organizations').select('id').execute()).map((row) => row.id)).toEqual([
    'first',
  ])
  await sql`pragma max_page_count = 1000000`.execute(store.db)
  await insert('large', 'x'.repeat(100_000))
  await store.close()
})

test('any other error is not taken for the storage’s', () => {
  expect(storageProblem(new Error('no'))).toBeNull()
  expect(storageProblem(Object.assign(new Error('constraint'), { errcode: 19 }))).toBeNull()
  expect(storageProblem('text')).toBeNull()
})
