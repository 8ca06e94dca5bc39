import type { ListRequest } from '@berth/contract/list-query'
import { SYSTEM_CATALOG } from '@berth/contract/profile'
import { sql } from 'kysely'
import { orderOf, type Page } from './page.ts'
import type { ProjectRow } from './schema.ts'
import { shortId } from './short-id.ts'
import type { Queryable } from './store.ts'

/** The project of that name in the organization, if there is one. */
export async function findProject(
  db: Queryable,
  organizationId: string,
  name: string,
): Promise<ProjectRow | undefined> {
  return db
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function projectById(db: Queryable, id: string): Promise<ProjectRow> {
  return db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

export async function createProject(
  db: Queryable,
  project: { organizationId: string; name: string; description: string; now: number },
): Promise<ProjectRow> {
  const { highest } = await db
    .selectFrom('projects')
    .select(({ fn }) => fn.max('number').as('highest'))
    .executeTakeFirstOrThrow()
  return db
    .insertInto('projects')
    .values({
      id: shortId(),
      organization_id: project.organizationId,
      name: project.name,
      description: project.description,
      network_key: shortId(),
      number: (highest ?? 0) + 1,
      created_at: project.now,
      modified_at: project.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Which projects a list shows. */
export interface ProjectFilter {
  readonly organizationId: string
  /** Part of the name; "" for all. */
  readonly search: string
}

/** The projects that users work in: all but the one that holds the catalogue. */
export async function listProjects(
  db: Queryable,
  filter: ProjectFilter,
  list: ListRequest,
): Promise<Page<ProjectRow>> {
  const { column, direction } = orderOf(list)
  const shown = db
    .selectFrom('projects')
    .where('organization_id', '=', filter.organizationId)
    .where('name', '!=', SYSTEM_CATALOG)
    .where(sql<boolean>`name like ${`%${escapeLike(filter.search)}%`} escape '!'`)
  const { total } = await shown
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const rows = await shown
    .selectAll()
    .orderBy(column === 'display_name' ? 'name' : column, direction)
    .orderBy('id', direction)
    .limit(list.limit)
    .offset(list.offset)
    .execute()
  return { rows, total }
}

/** The text with the characters that LIKE gives a meaning to made plain. */
function escapeLike(text: string): string {
  return text.replaceAll(/[!%_]/g, (character) => `!${character}`)
}
