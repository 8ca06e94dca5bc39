import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SYSTEM_CATALOG } from '@berth/contract/profile'
import { hasApiKeys, insertApiKey } from '../store/api-keys.ts'
import { ensureOrganization } from '../store/installation.ts'
import { createProject, findProject } from '../store/projects.ts'
import { shortId } from '../store/short-id.ts'
import type { Queryable, Store } from '../store/store.ts'
import { findWorkspace, insertWorkspace } from '../store/workspaces.ts'
import { newApiKey } from './api-key-format.ts'
import { writePrivateFile } from '../host/private-file.ts'

const DEFAULT_ORGANIZATION = 'default'
export const DEFAULT_PROJECT = 'defaultproject'
const DEFAULT_WORKSPACE = 'default'

const OPERATOR = 'operator@berth.local'

/** The key that seals secrets: 32 bytes as hex in STATE/secret.key, made at first use. */
export function ensureSecretKey(stateDir: string): Buffer {
  const path = join(stateDir, 'secret.key')
  if (!existsSync(path)) writePrivateFile(path, `${randomBytes(32).toString('hex')}\n`)
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
}

/**
 * Makes what an empty installation needs to be useful: an organization, a project, a workspace and an
 * operator key in STATE/admin.key. Repeated, it changes nothing; a crash in between is made good.
 * @returns the id of the organization
 */
export async function bootstrap(store: Store, stateDir: string): Promise<string> {
  const now = store.clock.now()
  const { id: organizationId } = await store.transaction((tx) =>
    ensureOrganization(tx, DEFAULT_ORGANIZATION, now),
  )
  await ensureOperatorKey(store, stateDir, organizationId)
  await store.transaction(async (tx) => {
    for (const name of [SYSTEM_CATALOG, DEFAULT_PROJECT]) {
      if (await findProject(tx, organizationId, name)) continue
      const project = await createProject(tx, { organizationId, name, description: '', now })
      if (name === DEFAULT_PROJECT && !(await findWorkspace(tx, project.id, DEFAULT_WORKSPACE))) {
        const by = JSON.stringify({ id: await operatorUserId(tx), username: OPERATOR })
        await insertWorkspace(tx, {
          id: randomUUIDv7(),
          project_id: project.id,
          name: DEFAULT_WORKSPACE,
          display_name: '',
          description: '',
          created_at: now,
          modified_at: now,
          created_by: by,
          modified_by: by,
        })
      }
    }
  })
  return organizationId
}

/** The user whose key this installation was made with, as whom everything of the first start is recorded. */
async function operatorUserId(tx: Queryable): Promise<string> {
  const row = await tx
    .selectFrom('api_keys')
    .select('user_id')
    .where('username', '=', OPERATOR)
    .orderBy('created_at')
    .executeTakeFirst()
  return row?.user_id ?? shortId()
}

/**
 * Only while there is no key at all: one that its owner moved elsewhere is not made again. The file comes
 * before the row, so a crash between the two is followed by a new key in both.
 */
async function ensureOperatorKey(store: Store, stateDir: string, organizationId: string): Promise<void> {
  if (await hasApiKeys(store.db)) return
  const made = newApiKey()
  writePrivateFile(join(stateDir, 'admin.key'), `${made.key}\n`)
  await store.transaction((tx) =>
    insertApiKey(tx, {
      id: made.id,
      hash: made.hash,
      organization_id: organizationId,
      role: 'operator',
      username: OPERATOR,
      user_id: shortId(),
      created_at: store.clock.now(),
    }),
  )
}
