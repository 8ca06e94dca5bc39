import { ApiError } from '@berth/contract/api-error'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import { ContinuableListQuery } from '@berth/contract/list-query'
import {
  ComputeProfile,
  ComputeProfileList,
  ComputeProfileRequest,
  type ProfileRequest,
  ServiceProfile,
  ServiceProfileList,
  ServiceProfileRequest,
} from '@berth/contract/profile'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { findProfile, listProfiles } from '../../store/profiles.ts'
import type { ApiContext } from '../api-context.ts'
import { applyProfile, profileWarnings } from '../apply-profile.ts'
import { requesterOf } from '../authentication.ts'
import { ContinuedList } from '../continued-list.ts'
import { FailOnExists, operation, pathParameters, WarningHeaders } from '../operation.ts'
import { queryFlag } from '../query-flag.ts'
import { projectOf } from '../scope.ts'
import { listView } from '../views/list-view.ts'
import { profileView } from '../views/profile-view.ts'
import { sendWarnings } from '../warning-headers.ts'

const KINDS = [
  {
    kind: 'ComputeProfile',
    path: 'computeprofiles',
    one: ComputeProfile,
    list: ComputeProfileList,
    request: ComputeProfileRequest,
  },
  {
    kind: 'ServiceProfile',
    path: 'serviceprofiles',
    one: ServiceProfile,
    list: ServiceProfileList,
    request: ServiceProfileRequest,
  },
] as const

const SystemCatalog = {
  systemCatalog: Type.Optional(
    Type.Boolean({ description: 'true: look in the system catalogue only', default: false }),
  ),
}

interface ProjectParams {
  readonly project: string
}
interface ProfileParams extends ProjectParams {
  readonly name: string
}

/** Compute and service profiles: one shape, two paths (guide, "Compute Profiles"; wire contract 1b). */
export function profileRoutes(app: FastifyInstance, { store, secretBox }: ApiContext): void {
  for (const { kind, path, one, list, request: body } of KINDS) {
    const collection = `${PROJECTS_PATH}/:project/${path}`
    const shared = { tags: ['Profiles'] }
    app.get<{ Params: ProjectParams; Querystring: Record<string, unknown> }>(
      collection,
      operation({
        ...shared,
        operationId: `list${kind}s`,
        summary: 'List the profiles that a project may use',
        params: pathParameters('project'),
        querystring: ContinuableListQuery,
        ok: list,
        errors: [400, 404],
      }),
      async (request) => {
        const project = await projectOf(store.db, request.caller, request.params.project)
        const continued = new ContinuedList(secretBox, `${kind}/${project.id}`)
        const wanted = continued.pageFor(request.query)
        const scope = {
          organizationId: request.caller.organizationId,
          projectId: project.id,
          systemCatalogOnly: false,
        }
        const page = await listProfiles(store.db, kind, scope, wanted)
        return listView(kind, { list: continued, wanted, page }, (row) => profileView(row, project))
      },
    )
    app.get<{ Params: ProfileParams }>(
      `${collection}/:name`,
      operation({
        ...shared,
        operationId: `get${kind}`,
        summary: 'Get one profile',
        params: pathParameters('project', 'name'),
        querystring: Type.Object(SystemCatalog),
        ok: one,
        errors: [400, 404],
      }),
      async (request) => {
        const { project: projectName, name } = request.params
        const project = await projectOf(store.db, request.caller, projectName)
        const row = await findProfile(store.db, kind, name, {
          organizationId: request.caller.organizationId,
          projectId: project.id,
          systemCatalogOnly: queryFlag(request.query, 'systemCatalog'),
        })
        if (!row)
          throw ApiError.notFound(`${kind} ${JSON.stringify(name)}`, `project ${JSON.stringify(projectName)}`)
        return profileView(row, project)
      },
    )
    app.post<{ Params: ProjectParams; Body: ProfileRequest }>(
      collection,
      operation({
        ...shared,
        operationId: `apply${kind}`,
        summary: 'Create or update a profile',
        params: pathParameters('project'),
        querystring: Type.Object(FailOnExists),
        body,
        ok: one,
        okHeaders: WarningHeaders,
        errors: [400, 403, 404, 409, 413, 415],
      }),
      async (request, reply) => {
        const project = await projectOf(store.db, request.caller, request.params.project)
        const row = await applyProfile(store, {
          kind,
          project,
          body: request.body,
          caller: request.caller,
          requester: requesterOf(request),
          failOnExists: queryFlag(request.query, 'fail-on-exists'),
        })
        sendWarnings(reply, profileWarnings(kind, request.body))
        return profileView(row, project)
      },
    )
  }
}
