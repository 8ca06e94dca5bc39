import { ApiError } from '@berth/contract/api-error'
import type { Caller } from '../auth/caller.ts'
import { findProject } from '../store/projects.ts'
import type { ProjectRow, WorkspaceRow } from '../store/schema.ts'
import type { Queryable } from '../store/store.ts'
import { findWorkspace } from '../store/workspaces.ts'

/** @throws ApiError 404 when the caller's organization has no such project */
export async function projectOf(db: Queryable, caller: Caller, name: string): Promise<ProjectRow> {
  const project = await findProject(db, caller.organizationId, name)
  if (!project) throw ApiError.notFound(`Project ${JSON.stringify(name)}`)
  return project
}

/** @throws ApiError 404 naming what is missing */
export async function workspaceOf(
  db: Queryable,
  caller: Caller,
  projectName: string,
  workspaceName: string,
): Promise<{ project: ProjectRow; workspace: WorkspaceRow }> {
  const project = await projectOf(db, caller, projectName)
  const workspace = await findWorkspace(db, project.id, workspaceName)
  if (!workspace) {
    throw ApiError.notFound(
      `Workspace ${JSON.stringify(workspaceName)}`,
      `project ${JSON.stringify(projectName)}`,
    )
  }
  return { project, workspace }
}
