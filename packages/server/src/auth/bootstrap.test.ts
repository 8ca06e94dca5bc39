import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Store } from '../store/store.ts'
import { bootstrap } from './bootstrap.ts'

test('what the first start makes is the operator’s, and a second start changes nothing', async () => {
  const state = mkdtempSync(join(tmpdir(), 'berth-bootstrap-'))
  const store = await Store.open(':memory:')
  onTestFinished(async () => {
    await store.close()
    rmSync(state, { recursive: true })
  })
  const organization = await bootstrap(store, state)
  const key = readFileSync(join(state, 'admin.key'), 'utf8')
  const users = await store.db.selectFrom('api_keys').select(['user_id', 'username']).execute()
  expect(users).toHaveLength(1)
  const [workspace] = await store.db.selectFrom('workspaces').selectAll().execute()
  const operator = { id: users[0]?.user_id, username: users[0]?.username }
  expect(JSON.parse(workspace?.created_by ?? '')).toEqual(operator)
  expect(JSON.parse(workspace?.modified_by ?? '')).toEqual(operator)

  expect(await bootstrap(store, state)).toBe(organization)
  expect(readFileSync(join(state, 'admin.key'), 'utf8')).toBe(key)
  expect(await store.db.selectFrom('workspaces').selectAll().execute()).toEqual([workspace])
})
