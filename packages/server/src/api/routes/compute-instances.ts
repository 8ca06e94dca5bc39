import { ApiError } from '@berth/contract/api-error'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import {
  ComputeInstance,
  ComputeInstanceList,
  ComputeInstanceRequest,
} from '@berth/contract/compute-instance'
import { ListQuery, parseListQuery } from '@berth/contract/list-query'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { mayWrite } from '../../auth/caller.ts'
import { findInstance, listInstances } from '../../store/compute-instances.ts'
import type { Queryable, Tx } from '../../store/store.ts'
import type { ApiContext } from '../api-context.ts'
import { actOnComputeInstance, parseAction } from '../act-on-compute-instance.ts'
import { applyComputeInstance } from '../apply-compute-instance.ts'
import { requesterOf } from '../authentication.ts'
import { deleteComputeInstance } from '../delete-compute-instance.ts'
import { Empty, FailOnExists, operation, pathParameters } from '../operation.ts'
import { publishComputeInstance, type Publish } from '../publish-compute-instance.ts'
import { queryFlag } from '../query-flag.ts'
import { workspaceOf } from '../scope.ts'
import { computeInstanceView } from '../views/compute-instance-view.ts'
import { listView } from '../views/list-view.ts'

const COLLECTION = `${PROJECTS_PATH}/:project/workspaces/:workspace/computeinstances`

const AutoPublish = {
  'auto-publish': Type.Optional(
    Type.Boolean({ description: 'true: publish as well, in the same step', default: false }),
  ),
}

interface CollectionParams {
  readonly project: string
  readonly workspace: string
}
interface InstanceParams extends CollectionParams {
  readonly name: string
}

/** Compute instances (guide, "Virtual Machines"). */
export function computeInstanceRoutes(app: FastifyInstance, context: ApiContext): void {
  const { store } = context
  const shared = { tags: ['Compute instances'] }
  app.get<{ Params: CollectionParams; Querystring: Record<string, unknown> }>(
    COLLECTION,
    operation({
      ...shared,
      operationId: 'listComputeInstances',
      summary: 'List the instances of a workspace',
      params: pathParameters('project', 'workspace'),
      querystring: ListQuery,
      ok: ComputeInstanceList,
      errors: [400, 404],
    }),
    async (request) => {
      const { project, workspace } = await scopeOf(store.db, request)
      const wanted = parseListQuery(request.query)
      const { rows, total } = await listInstances(store.db, workspace.id, 'ComputeInstance', wanted)
      const items = rows.map((row) => computeInstanceView(context, row, project, workspace, 'masked'))
      return listView('ComputeInstance', wanted, total, items)
    },
  )
  app.post<{ Params: CollectionParams; Body: ComputeInstanceRequest }>(
    COLLECTION,
    operation({
      ...shared,
      operationId: 'applyComputeInstance',
      summary: 'Create or update an instance',
      params: pathParameters('project', 'workspace'),
      querystring: Type.Object({ ...FailOnExists, ...AutoPublish }),
      body: ComputeInstanceRequest,
      ok: ComputeInstance,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => {
      const { caller, body } = request
      const failOnExists = queryFlag(request.query, 'fail-on-exists')
      const autoPublish = queryFlag(request.query, 'auto-publish')
      const requester = requesterOf(request)
      return store.transaction(async (tx) => {
        const { project, workspace } = await scopeOf(tx, request)
        const apply = { project, workspace, body, caller, requester, failOnExists }
        const applied = await applyComputeInstance(context, tx, apply)
        const row = autoPublish
          ? await publishComputeInstance(context, tx, { project, instance: applied, caller, requester })
          : applied
        return computeInstanceView(context, row, project, workspace, 'masked')
      })
    },
  )
  app.get<{ Params: InstanceParams }>(
    `${COLLECTION}/:name`,
    operation({
      ...shared,
      operationId: 'getComputeInstance',
      summary: 'Get one instance, with its status',
      params: pathParameters('project', 'workspace', 'name'),
      ok: ComputeInstance,
      errors: [404],
    }),
    async (request) => {
      const { project, workspace, instance } = await instanceOf(store.db, request)
      return computeInstanceView(
        context,
        instance,
        project,
        workspace,
        mayWrite(request.caller) ? 'clear' : 'masked',
      )
    },
  )
  app.delete<{ Params: InstanceParams }>(
    `${COLLECTION}/:name`,
    operation({
      ...shared,
      operationId: 'deleteComputeInstance',
      summary: 'Delete an instance and everything it has on a host',
      params: pathParameters('project', 'workspace', 'name'),
      ok: Empty,
      errors: [403, 404],
    }),
    async (request) => {
      await change(request, (tx, publish) => deleteComputeInstance(context, tx, publish))
      return {}
    },
  )
  app.post<{ Params: InstanceParams }>(
    `${COLLECTION}/:name/publish`,
    operation({
      ...shared,
      operationId: 'publishComputeInstance',
      summary: 'Deploy an instance, or bring a deployed one to its applied configuration',
      params: pathParameters('project', 'workspace', 'name'),
      ok: ComputeInstance,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => change(request, (tx, publish) => publishComputeInstance(context, tx, publish)),
  )
  app.post<{ Params: InstanceParams & { action: string } }>(
    `${COLLECTION}/:name/action/:action`,
    operation({
      ...shared,
      operationId: 'actOnComputeInstance',
      summary: 'Start, stop or reboot an instance',
      params: pathParameters('project', 'workspace', 'name', 'action'),
      ok: ComputeInstance,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => {
      const action = parseAction(request.params.action)
      return change(request, (tx, publish) => actOnComputeInstance(context, tx, publish, action))
    },
  )

  /** Changes one instance in one transaction and answers how it reads afterwards. */
  async function change(
    request: FastifyRequest<{ Params: InstanceParams }>,
    work: (tx: Tx, publish: Publish) => Promise<Publish['instance']>,
  ): Promise<ComputeInstance> {
    const requester = requesterOf(request)
    return store.transaction(async (tx) => {
      const { project, workspace, instance } = await instanceOf(tx, request)
      const row = await work(tx, { project, instance, caller: request.caller, requester })
      return computeInstanceView(context, row, project, workspace, 'masked')
    })
  }
}

async function scopeOf(db: Queryable, request: FastifyRequest<{ Params: CollectionParams }>) {
  return workspaceOf(db, request.caller, request.params.project, request.params.workspace)
}

/** @throws ApiError 404 naming what is missing */
async function instanceOf(db: Queryable, request: FastifyRequest<{ Params: InstanceParams }>) {
  const { project, workspace } = await scopeOf(db, request)
  const { name } = request.params
  const instance = await findInstance(db, workspace.id, 'ComputeInstance', name)
  if (!instance) {
    throw ApiError.notFound(
      `Compute instance ${JSON.stringify(name)}`,
      `workspace ${JSON.stringify(workspace.name)}`,
    )
  }
  return { project, workspace, instance }
}
