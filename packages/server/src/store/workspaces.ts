import type { Insertable, Updateable } from 'kysely'
import { behind, orderOf, pageOf, type Page, type PageRequest } from './page.ts'
import type { Schema, WorkspaceRow } from './schema.ts'
import type { Queryable } from './store.ts'

export async function findWorkspace(
  db: Queryable,
  projectId: string,
  name: string,
): Promise<WorkspaceRow | undefined> {
  return db
    .selectFrom('workspaces')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function listWorkspaces(
  db: Queryable,
  projectId: string,
  list: PageRequest,
): Promise<Page<WorkspaceRow>> {
  const { column, direction } = orderOf(list)
  const all = db.selectFrom('workspaces').where('project_id', '=', projectId)
  const { total } = await all.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const { after } = list
  const found = await all
    .selectAll()
    .$if(after !== undefined, (rows) => rows.where(behind(list, after!, 'workspaces')))
    .orderBy(column, direction)
    .orderBy('id', direction)
    .limit(list.limit + 1)
    .offset(list.offset)
    .execute()
  return pageOf(list, found, total)
}

export async function insertWorkspace(
  db: Queryable,
  row: Insertable<Schema['workspaces']>,
): Promise<WorkspaceRow> {
  return db.insertInto('workspaces').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateWorkspace(
  db: Queryable,
  id: string,
  change: Updateable<Schema['workspaces']>,
): Promise<WorkspaceRow> {
  return db
    .updateTable('workspaces')
    .set(change)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deleteWorkspace(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom('workspaces').where('id', '=', id).execute()
}
