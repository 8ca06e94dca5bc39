import { ApiError } from '@berth/contract/api-error'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { InstanceKind } from '@berth/contract/instance-kind'
import { KIND_ACTIONS } from '@berth/contract/instance-status'
import { ContinuableListQuery } from '@berth/contract/list-query'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { mayWrite } from '../../auth/caller.ts'
import { findInstance, listInstances } from '../../store/compute-instances.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import type { Queryable, Tx } from '../../store/store.ts'
import type { ApiContext } from '../api-context.ts'
import { actOnInstance, parseAction } from '../act-on-instance.ts'
import { applyInstance } from '../apply-instance.ts'
import { requesterOf } from '../authentication.ts'
import { ContinuedList } from '../continued-list.ts'
import { deleteInstance } from '../delete-instance.ts'
import type { InstanceChange } from '../instance-change.ts'
import { KIND_SCHEMAS, KINDS, nameInWords, type Instance, type InstanceRequest } from '../instance-kind.ts'
import { Empty, FailOnExists, operation, pathParameters, WarningHeaders } from '../operation.ts'
import { publishInstance } from '../publish-instance.ts'
import { queryFlag } from '../query-flag.ts'
import { workspaceOf } from '../scope.ts'
import { sendWarnings } from '../warning-headers.ts'
import { instanceView } from '../views/instance-view.ts'
import { listView } from '../views/list-view.ts'

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

/** The instances of one kind (guide, "Virtual Machines", "Services"). */
export function instanceRoutes(app: FastifyInstance, context: ApiContext, kind: InstanceKind): void {
  const { store } = context
  const { tag, noun, collection: segment } = KINDS[kind]
  const shapes = KIND_SCHEMAS[kind]
  const collection = `${PROJECTS_PATH}/:project/workspaces/:workspace/${segment}`
  const shared = { tags: [tag] }
  app.get<{ Params: CollectionParams; Querystring: Record<string, unknown> }>(
    collection,
    operation({
      ...shared,
      operationId: `list${kind}s`,
      summary: `List the ${noun}s of a workspace`,
      params: pathParameters('project', 'workspace'),
      querystring: ContinuableListQuery,
      ok: shapes.list,
      errors: [400, 404],
    }),
    async (request) => {
      const { project, workspace } = await scopeOf(store.db, request)
      const list = new ContinuedList(context.secretBox, `${kind}/${workspace.id}`)
      const wanted = list.pageFor(request.query)
      const page = await listInstances(store.db, workspace.id, kind, wanted)
      return listView(kind, { list, wanted, page }, (row) =>
        instanceView(context, row, project, workspace, 'masked'),
      )
    },
  )
  app.post<{ Params: CollectionParams; Body: InstanceRequest }>(
    collection,
    operation({
      ...shared,
      operationId: `apply${kind}`,
      summary: `Create or update a ${noun}`,
      params: pathParameters('project', 'workspace'),
      querystring: Type.Object({ ...FailOnExists, ...AutoPublish }),
      body: shapes.request,
      ok: shapes.one,
      okHeaders: WarningHeaders,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request, reply) => {
      const { caller, body } = request
      const failOnExists = queryFlag(request.query, 'fail-on-exists')
      const autoPublish = queryFlag(request.query, 'auto-publish')
      const requester = requesterOf(request)
      const view = await store.transaction(async (tx) => {
        const { project, workspace } = await scopeOf(tx, request)
        const apply = { project, workspace, body, caller, requester, failOnExists }
        const applied = await applyInstance(context, tx, apply)
        const row = autoPublish
          ? await publishInstance(context, tx, { project, instance: applied, requester })
          : applied
        return instanceView(context, row, project, workspace, 'masked')
      })
      sendWarnings(reply, view.status.warnings ?? [])
      return view
    },
  )
  app.get<{ Params: InstanceParams }>(
    `${collection}/:name`,
    operation({
      ...shared,
      operationId: `get${kind}`,
      summary: `Get one ${noun}, with its status`,
      params: pathParameters('project', 'workspace', 'name'),
      ok: shapes.one,
      errors: [404],
    }),
    async (request) => {
      const { project, workspace, instance } = await instanceOf(store.db, kind, request)
      return instanceView(
        context,
        instance,
        project,
        workspace,
        mayWrite(request.caller) ? 'clear' : 'masked',
      )
    },
  )
  app.delete<{ Params: InstanceParams }>(
    `${collection}/:name`,
    operation({
      ...shared,
      operationId: `delete${kind}`,
      summary: `Delete a ${noun} and everything it has on a host`,
      params: pathParameters('project', 'workspace', 'name'),
      ok: Empty,
      errors: [403, 404],
    }),
    async (request) => {
      await change(request, (tx, wanted) => deleteInstance(context, tx, wanted))
      return {}
    },
  )
  app.post<{ Params: InstanceParams }>(
    `${collection}/:name/publish`,
    operation({
      ...shared,
      operationId: `publish${kind}`,
      summary: `Deploy a ${noun}, or bring a deployed one to its applied configuration`,
      params: pathParameters('project', 'workspace', 'name'),
      ok: shapes.one,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => change(request, (tx, wanted) => publishInstance(context, tx, wanted)),
  )
  app.post<{ Params: InstanceParams & { action: string } }>(
    `${collection}/:name/action/:action`,
    operation({
      ...shared,
      operationId: `actOn${kind}`,
      summary: `Act on a ${noun}: ${KIND_ACTIONS[kind].join(', ')}`,
      params: pathParameters('project', 'workspace', 'name', 'action'),
      ok: shapes.one,
      errors: [400, 403, 404, 409, 413, 415],
    }),
    async (request) => {
      const action = parseAction(kind, request.params.action)
      return change(request, (tx, wanted) => actOnInstance(context, tx, wanted, action))
    },
  )

  /** Changes one instance in one transaction and answers how it reads afterwards. */
  async function change(
    request: FastifyRequest<{ Params: InstanceParams }>,
    work: (tx: Tx, wanted: InstanceChange) => Promise<ComputeInstanceRow>,
  ): Promise<Instance> {
    const requester = requesterOf(request)
    return store.transaction(async (tx) => {
      const { project, workspace, instance } = await instanceOf(tx, kind, request)
      const row = await work(tx, { project, instance, requester })
      return instanceView(context, row, project, workspace, 'masked')
    })
  }
}

async function scopeOf(db: Queryable, request: FastifyRequest<{ Params: CollectionParams }>) {
  return workspaceOf(db, request.caller, request.params.project, request.params.workspace)
}

/** @throws ApiError 404 naming what is missing */
async function instanceOf(
  db: Queryable,
  kind: InstanceKind,
  request: FastifyRequest<{ Params: InstanceParams }>,
) {
  const { project, workspace } = await scopeOf(db, request)
  const { name } = request.params
  const instance = await findInstance(db, workspace.id, kind, name)
  if (!instance) {
    throw ApiError.notFound(nameInWords({ kind, name }), `workspace ${JSON.stringify(workspace.name)}`)
  }
  return { project, workspace, instance }
}
