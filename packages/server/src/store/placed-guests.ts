import type { ComputeInstanceRow, GuestAddressRow, ProjectRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** An instance that has a place on its project's network. */
export interface PlacedGuest {
  readonly row: ComputeInstanceRow
  readonly project: ProjectRow
  readonly address: GuestAddressRow
}

/** Every instance with an address, by project and address. */
export async function placedGuests(db: Queryable): Promise<PlacedGuest[]> {
  const addresses = await db
    .selectFrom('guest_addresses')
    .selectAll()
    .orderBy('project_id')
    .orderBy('number')
    .execute()
  const rows = await db.selectFrom('compute_instances').selectAll().execute()
  const projects = await db.selectFrom('projects').selectAll().execute()
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  const projectOf = new Map(projects.map((project) => [project.id, project]))
  return addresses.flatMap((address) => {
    const row = rowOf.get(address.instance_id)
    const project = projectOf.get(address.project_id)
    return row && project ? [{ row, project, address }] : []
  })
}

/** Whether a project of that name exists, in whatever organization. */
export async function projectExists(db: Queryable, name: string): Promise<boolean> {
  const row = await db.selectFrom('projects').select('id').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}
