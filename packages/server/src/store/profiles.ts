import { SYSTEM_CATALOG } from '@berth/contract/profile'
import type { Insertable, Updateable } from 'kysely'
import { behind, orderOf, pageOf, type Page, type PageRequest } from './page.ts'
import type { ProfileRow, Schema } from './schema.ts'
import type { Queryable } from './store.ts'

export type ProfileKind = ProfileRow['kind']

/** Where a profile is looked for: the project's own first, then the catalogue, or the catalogue only. */
export interface ProfileScope {
  readonly organizationId: string
  readonly projectId: string
  readonly systemCatalogOnly: boolean
}

/** The profile that a name means in a scope. */
export async function findProfile(
  db: Queryable,
  kind: ProfileKind,
  name: string,
  scope: ProfileScope,
): Promise<ProfileRow | undefined> {
  const rows = await visible(db, kind, scope)
    .selectAll('profiles')
    .where('profiles.name', '=', name)
    .execute()
  return rows.find((row) => row.project_id === scope.projectId) ?? rows[0]
}

/** The profiles that a scope sees; a project's own profile hides the catalogue's of the same name. */
export async function listProfiles(
  db: Queryable,
  kind: ProfileKind,
  scope: ProfileScope,
  list: PageRequest,
): Promise<Page<ProfileRow>> {
  const { column, direction } = orderOf(list)
  const shown = visible(db, kind, scope).where(({ not, or, eb, exists, selectFrom }) =>
    or([
      eb('profiles.project_id', '=', scope.projectId),
      not(
        exists(
          selectFrom('profiles as own')
            .select('own.id')
            .whereRef('own.name', '=', 'profiles.name')
            .whereRef('own.kind', '=', 'profiles.kind')
            .where('own.project_id', '=', scope.systemCatalogOnly ? '' : scope.projectId),
        ),
      ),
    ]),
  )
  const { total } = await shown
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const { after } = list
  const found = await shown
    .selectAll('profiles')
    .$if(after !== undefined, (rows) => rows.where(behind(list, after!, 'profiles')))
    .orderBy(`profiles.${column}`, direction)
    .orderBy('profiles.id', direction)
    .limit(list.limit + 1)
    .offset(list.offset)
    .execute()
  return pageOf(list, found, total)
}

function visible(db: Queryable, kind: ProfileKind, scope: ProfileScope) {
  return db
    .selectFrom('profiles')
    .where('profiles.kind', '=', kind)
    .where('profiles.project_id', 'in', ({ selectFrom }) =>
      selectFrom('projects')
        .select('projects.id')
        .where('projects.organization_id', '=', scope.organizationId)
        .where(({ or, eb }) =>
          or([
            eb('projects.name', '=', SYSTEM_CATALOG),
            ...(scope.systemCatalogOnly ? [] : [eb('projects.id', '=', scope.projectId)]),
          ]),
        ),
    )
}

/** The project's own profile of that name. */
export async function ownProfile(
  db: Queryable,
  kind: ProfileKind,
  projectId: string,
  name: string,
): Promise<ProfileRow | undefined> {
  return db
    .selectFrom('profiles')
    .selectAll()
    .where('kind', '=', kind)
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function insertProfile(db: Queryable, row: Insertable<Schema['profiles']>): Promise<ProfileRow> {
  return db.insertInto('profiles').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateProfile(
  db: Queryable,
  id: string,
  change: Updateable<Schema['profiles']>,
): Promise<ProfileRow> {
  return db.updateTable('profiles').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}
