import { projectById } from './projects.ts'
import type { ComputeInstanceRow, GuestAddressRow, ProjectRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** An instance that has a place on its project's network. */
export interface PlacedGuest {
  readonly row: ComputeInstanceRow
  readonly project: ProjectRow
  readonly address: GuestAddressRow
}

/**
 * Every instance with an address, by project and address.
 * @param projectName only those of projects of that name, in whatever organization
 */
export async function placedGuests(db: Queryable, projectName?: string): Promise<PlacedGuest[]> {
  const found = await db
    .selectFrom('guest_addresses')
    .innerJoin('compute_instances', 'compute_instances.id', 'guest_addresses.instance_id')
    .selectAll('compute_instances')
    .select(['guest_addresses.number', 'guest_addresses.mac'])
    .$if(projectName !== undefined, (all) =>
      all.where('guest_addresses.project_id', 'in', (nested) =>
        nested
          .selectFrom('projects')
          .select('projects.id')
          .where('projects.name', '=', projectName ?? ''),
      ),
    )
    .orderBy('guest_addresses.project_id')
    .orderBy('guest_addresses.number')
    .execute()
  const projects = new Map<string, ProjectRow>()
  for (const { project_id: id } of found) if (!projects.has(id)) projects.set(id, await projectById(db, id))
  return found.flatMap(({ number, mac, ...row }) => {
    const project = projects.get(row.project_id)
    const address = { project_id: row.project_id, number, instance_id: row.id, mac }
    return project ? [{ row, project, address }] : []
  })
}

/** Whether a project of that name exists, in whatever organization. */
export async function projectExists(db: Queryable, name: string): Promise<boolean> {
  const row = await db.selectFrom('projects').select('id').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}
