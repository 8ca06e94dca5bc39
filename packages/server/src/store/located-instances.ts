import { projectById } from './projects.ts'
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
  const { named, project, workspace } = search
  const found = await db
    .selectFrom('compute_instances as instance')
    .innerJoin('workspaces', 'workspaces.id', 'instance.workspace_id')
    .innerJoin('projects', 'projects.id', 'instance.project_id')
    .selectAll('instance')
    .select('workspaces.name as workspaceName')
    .$if(named !== undefined, (all) =>
      all.where(({ or, eb }) =>
        or([eb('instance.name', '=', named ?? ''), eb('instance.id', '=', named ?? '')]),
      ),
    )
    .$if(project !== undefined, (all) => all.where('projects.name', '=', project ?? ''))
    .$if(workspace !== undefined, (all) => all.where('workspaces.name', '=', workspace ?? ''))
    .execute()
  const projects = new Map<string, ProjectRow>()
  for (const { project_id: id } of found) if (!projects.has(id)) projects.set(id, await projectById(db, id))
  return found
    .flatMap(({ workspaceName, ...row }) => {
      const its = projects.get(row.project_id)
      return its ? [{ row, project: its, workspaceName }] : []
    })
    .toSorted((one, other) => pathOf(one).localeCompare(pathOf(other)))
}

/** `project/workspace/name`, as a person finds it. */
export function pathOf({ project, workspaceName, row }: LocatedInstance): string {
  return `${project.name}/${workspaceName}/${row.name}`
}
