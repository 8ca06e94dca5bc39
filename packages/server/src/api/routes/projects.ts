import { ListQuery, ORDER_FIELDS, parseListQuery } from '@berth/contract/list-query'
import {
  AuthProjectList,
  HUB_API_VERSION,
  HubProject,
  HubProjectList,
  PROJECT_PAGE_LIMIT,
} from '@berth/contract/project'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { listProjects } from '../../store/projects.ts'
import type { ApiContext } from '../api-context.ts'
import { operation, pathParameters } from '../operation.ts'
import { projectOf } from '../scope.ts'
import { authProjectView, hubProjectView } from '../views/project-view.ts'

const HUB_PATH = `/apis/${HUB_API_VERSION}/projects`
const AUTH_PATH = '/auth/v1/projects/'

/** That service's clients write `orderby`, order upwards by name, and search with `q` (wire contract 1c). */
const AuthQuery = Type.Object({
  limit: ListQuery.properties.limit,
  offset: ListQuery.properties.offset,
  order: Type.Optional(
    Type.Enum(['ASC', 'DESC'], { type: 'string', description: 'Upwards or downwards', default: 'ASC' }),
  ),
  orderby: Type.Optional(
    Type.Enum([...ORDER_FIELDS, 'created_at', 'modified_at'], {
      type: 'string',
      description: 'The field to order by',
      default: 'name',
    }),
  ),
  q: Type.Optional(Type.String({ description: 'Part of the name' })),
})

type Query = Record<string, unknown>

/** The projects of the caller's organization, in the two shapes that clients ask for. */
export function projectRoutes(app: FastifyInstance, { store }: ApiContext): void {
  const shared = { tags: ['Projects'] }
  app.get<{ Querystring: Query }>(
    HUB_PATH,
    operation({
      ...shared,
      operationId: 'listProjects',
      summary: 'List the projects',
      querystring: ListQuery,
      ok: HubProjectList,
      errors: [400],
    }),
    async (request) => {
      const wanted = parseListQuery(request.query, PROJECT_PAGE_LIMIT)
      const { rows, total } = await listProjects(store.db, filterOf(request), wanted)
      const offset = wanted.offset === 0 ? {} : { offset: wanted.offset }
      return {
        apiVersion: HUB_API_VERSION,
        kind: 'ProjectList',
        metadata: { count: total, limit: wanted.limit, ...offset },
        items: rows.map(hubProjectView),
      }
    },
  )
  app.get<{ Params: { name: string } }>(
    `${HUB_PATH}/:name`,
    operation({
      ...shared,
      operationId: 'getProject',
      summary: 'Get one project',
      params: pathParameters('name'),
      ok: HubProject,
      errors: [404],
    }),
    async (request) => hubProjectView(await projectOf(store.db, request.caller, request.params.name)),
  )
  app.get<{ Querystring: Query }>(
    AUTH_PATH,
    operation({
      ...shared,
      operationId: 'listAuthProjects',
      summary: 'List the projects, as clients of the auth service read them',
      querystring: AuthQuery,
      ok: AuthProjectList,
      errors: [400],
    }),
    async (request) => {
      const { orderby = 'name', order = 'ASC' } = request.query
      const wanted = parseListQuery(
        { ...request.query, order, orderBy: fieldOf(orderby) },
        PROJECT_PAGE_LIMIT,
      )
      const { rows, total } = await listProjects(store.db, filterOf(request), wanted)
      const page = (offset: number) => {
        const query = new URLSearchParams({
          ...(request.query as Record<string, string>),
          limit: String(wanted.limit),
        })
        query.set('offset', String(offset))
        return `${AUTH_PATH}?${query.toString()}`
      }
      const after = wanted.offset + rows.length
      return {
        count: total,
        next: after < total && rows.length > 0 ? page(after) : null,
        previous: wanted.offset > 0 ? page(Math.max(0, wanted.offset - wanted.limit)) : null,
        results: rows.map(authProjectView),
      }
    },
  )
}

function filterOf(request: FastifyRequest<{ Querystring: Query }>) {
  const { q } = request.query
  return { organizationId: request.caller.organizationId, search: typeof q === 'string' ? q : '' }
}

/** That service's clients name the columns in snake case. */
function fieldOf(orderby: unknown): unknown {
  if (orderby === 'created_at') return 'createdAt'
  return orderby === 'modified_at' ? 'modifiedAt' : orderby
}
