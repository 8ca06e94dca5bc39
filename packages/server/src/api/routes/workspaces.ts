import { ApiError } from '@berth/contract/api-error'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import { INSTANCE_KINDS } from '@berth/contract/instance-kind'
import { ContinuableListQuery } from '@berth/contract/list-query'
import { Workspace, WorkspaceList, WorkspaceRequest } from '@berth/contract/workspace'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { instanceNames } from '../../store/compute-instances.ts'
import { recordAudit, recordEvent } from '../../store/records.ts'
import type { WorkspaceRow } from '../../store/schema.ts'
import type { Tx } from '../../store/store.ts'
import { deleteWorkspace, listWorkspaces } from '../../store/workspaces.ts'
import type { ApiContext } from '../api-context.ts'
import { applyWorkspace } from '../apply-workspace.ts'
import { requesterOf } from '../authentication.ts'
import { ContinuedList } from '../continued-list.ts'
import { KINDS } from '../instance-kind.ts'
import { Empty, FailOnExists, operation, pathParameters } from '../operation.ts'
import { queryFlag } from '../query-flag.ts'
import { projectOf, workspaceOf } from '../scope.ts'
import { listView } from '../views/list-view.ts'
import { workspaceView } from '../views/workspace-view.ts'

const COLLECTION = `${PROJECTS_PATH}/:project/workspaces`
const SHOWN_NAMES = 5

interface ProjectParams {
  readonly project: string
}
interface WorkspaceParams extends ProjectParams {
  readonly name: string
}

/** Workspaces (guide, "Workspaces"). */
export function workspaceRoutes(app: FastifyInstance, { store, secretBox }: ApiContext): void {
  const shared = { tags: ['Workspaces'] }
  app.get<{ Params: ProjectParams; Querystring: Record<string, unknown> }>(
    COLLECTION,
    operation({
      ...shared,
      operationId: 'listWorkspaces',
      summary: 'List the workspaces of a project',
      params: pathParameters('project'),
      querystring: ContinuableListQuery,
      ok: WorkspaceList,
      errors: [400, 404],
    }),
    async (request) => {
      const project = await projectOf(store.db, request.caller, request.params.project)
      const list = new ContinuedList(secretBox, `Workspace/${project.id}`)
      const wanted = list.pageFor(request.query)
      const page = await listWorkspaces(store.db, project.id, wanted)
      return listView('Workspace', { list, wanted, page }, (row) => workspaceView(row, project))
    },
  )
  app.post<{ Params: ProjectParams; Body: WorkspaceRequest }>(
    COLLECTION,
    operation({
      ...shared,
      operationId: 'applyWorkspace',
      summary: 'Create or update a workspace',
      params: pathParameters('project'),
      querystring: Type.Object(FailOnExists),
      body: WorkspaceRequest,
      ok: Workspace,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => {
      const project = await projectOf(store.db, request.caller, request.params.project)
      const row = await applyWorkspace(store, {
        project,
        body: request.body,
        caller: request.caller,
        requester: requesterOf(request),
        failOnExists: queryFlag(request.query, 'fail-on-exists'),
      })
      return workspaceView(row, project)
    },
  )
  app.get<{ Params: WorkspaceParams }>(
    `${COLLECTION}/:name`,
    operation({
      ...shared,
      operationId: 'getWorkspace',
      summary: 'Get one workspace',
      params: pathParameters('project', 'name'),
      ok: Workspace,
      errors: [404],
    }),
    async (request) => {
      const { project: projectName, name } = request.params
      const { project, workspace } = await workspaceOf(store.db, request.caller, projectName, name)
      return workspaceView(workspace, project)
    },
  )
  app.delete<{ Params: WorkspaceParams }>(
    `${COLLECTION}/:name`,
    operation({
      ...shared,
      operationId: 'deleteWorkspace',
      summary: 'Delete an empty workspace',
      params: pathParameters('project', 'name'),
      ok: Empty,
      errors: [403, 404, 409],
    }),
    async (request) => {
      const { project: projectName, name } = request.params
      await store.transaction(async (tx) => {
        const { project, workspace } = await workspaceOf(tx, request.caller, projectName, name)
        await refuseUnlessEmpty(tx, workspace)
        const now = store.clock.now()
        const subject = { projectId: project.id, kind: 'Workspace', id: workspace.id, name }
        await deleteWorkspace(tx, workspace.id)
        await recordAudit(tx, now, requesterOf(request), 'delete', subject)
        await recordEvent(tx, now, subject, 'deleted', 'Workspace deleted.')
      })
      return {}
    },
  )
}

/** @throws ApiError 409 naming what the workspace holds */
async function refuseUnlessEmpty(tx: Tx, { id, name }: WorkspaceRow): Promise<void> {
  const held: string[] = []
  for (const kind of INSTANCE_KINDS) {
    const names = await instanceNames(tx, id, kind, SHOWN_NAMES + 1)
    if (names.length === 0) continue
    const more = names.length > SHOWN_NAMES ? ' and more' : ''
    held.push(`the ${KINDS[kind].noun}s ${names.slice(0, SHOWN_NAMES).join(', ')}${more}`)
  }
  if (held.length === 0) return
  throw ApiError.conflict(
    `Workspace ${JSON.stringify(name)} is not empty: it holds ${held.join(' and ')}. Delete them first.`,
  )
}
