import type { ComputeInstanceRow, ProjectRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** An instance with the names that lead to it. */
export interface LocatedInstance {
  readonly row: ComputeInstanceRow
  readonly project: ProjectRow
  readonly workspaceName: string
}

/** Which instances are looked for; any has what is left out. */
export interface InstanceSearch {
  /** The name or the id. */
  readonly named?: string | undefined
  readonly project?: string | undefined
  readonly workspace?: string | undefined
}

/** Every instance that fits, by project, workspace and name, whatever organization it is of. */
export async function locatedInstances(db: Queryable, search: InstanceSearch): Promise<LocatedInstance[]> {
  const { named } = search
  const rows = await db
    .selectFrom('compute_instances')
    .selectAll()
    .$if(named !== undefined, (all) =>
      all.where(({ or, eb }) => or([eb('name', '=', named ?? ''), eb('id', '=', named ?? '')])),
    )
    .execute()
  const projects = await db.selectFrom('projects').selectAll().execute()
  const workspaces = await db.selectFrom('workspaces').select(['id', 'name']).execute()
  const projectOf = new Map(projects.map((project) => [project.id, project]))
  const workspaceOf = new Map(workspaces.map(({ id, name }) => [id, name]))
  return rows
    .flatMap((row) => {
      const project = projectOf.get(row.project_id)
      return project ? [{ row, project, workspaceName: workspaceOf.get(row.workspace_id) ?? '' }] : []
    })
    .filter(({ project }) => search.project === undefined || project.name === search.project)
    .filter(({ workspaceName }) => search.workspace === undefined || workspaceName === search.workspace)
    .toSorted((one, other) => pathOf(one).localeCompare(pathOf(other)))
}

/** `project/workspace/name`, as a person finds it. */
export function pathOf({ project, workspaceName, row }: LocatedInstance): string {
  return `${project.name}/${workspaceName}/${row.name}`
}
