import { shortId } from './short-id.ts'
import type { Queryable } from './store.ts'

/** The installation's id; undefined while it has none. */
export async function readInstallationId(db: Queryable): Promise<string | undefined> {
  return (await db.selectFrom('installation').select('id').executeTakeFirst())?.id
}

/** The 6 characters that mark everything of this installation on a host; made at the first call. */
export async function installationId(tx: Queryable, now: number): Promise<string> {
  const existing = await readInstallationId(tx)
  if (existing !== undefined) return existing
  const id = shortId(6)
  await tx.insertInto('installation').values({ id, created_at: now }).execute()
  return id
}

/** The organization of that name, made if it does not exist. */
export async function ensureOrganization(
  tx: Queryable,
  name: string,
  now: number,
): Promise<{ id: string; name: string }> {
  const row = await tx
    .selectFrom('organizations')
    .select(['id', 'name'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (row) return row
  const made = { id: shortId(), name, created_at: now }
  await tx.insertInto('organizations').values(made).execute()
  return made
}
