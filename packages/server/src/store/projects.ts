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
  return db
    .insertInto('projects')
    .values({
      id: shortId(),
      organization_id: project.organizationId,
      name: project.name,
      description: project.description,
      network_key: shortId(),
      created_at: project.now,
      modified_at: project.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}
