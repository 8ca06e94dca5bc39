import Type from 'typebox'

/** The hub's API group, in which projects are listed (wire contract 1c). */
export const HUB_API_VERSION = 'system.k8smgmt.io/v3'

/** The most projects that one page of either list holds. */
export const PROJECT_PAGE_LIMIT = 1000

export const HubProject = Type.Object(
  {
    apiVersion: Type.Literal(HUB_API_VERSION),
    kind: Type.Literal('Project'),
    metadata: Type.Object({
      name: Type.String(),
      description: Type.Optional(Type.String()),
      createdAt: Type.String({ format: 'date-time' }),
      modifiedAt: Type.String({ format: 'date-time' }),
    }),
    spec: Type.Object({ default: Type.Boolean() }),
    status: Type.Object({
      extra: Type.Object({
        data: Type.Object({ id: Type.String({ description: 'Seven base-36 characters' }) }),
      }),
    }),
  },
  { title: 'HubProject' },
)
export type HubProject = Type.Static<typeof HubProject>

export const HubProjectList = Type.Object(
  {
    apiVersion: Type.Literal(HUB_API_VERSION),
    kind: Type.Literal('ProjectList'),
    metadata: Type.Object({
      count: Type.Integer({ description: 'How many there are in all' }),
      limit: Type.Integer(),
      offset: Type.Optional(Type.Integer()),
    }),
    items: Type.Array(HubProject),
  },
  { title: 'HubProjectList' },
)

/** A project as the auth service's clients read it (wire contract 2.8). */
export const AuthProject = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Type.String(),
    default: Type.Boolean(),
    created_at: Type.String({ format: 'date-time' }),
    modified_at: Type.String({ format: 'date-time' }),
    organization_id: Type.String(),
  },
  { title: 'AuthProject' },
)
export type AuthProject = Type.Static<typeof AuthProject>

export const AuthProjectList = Type.Object(
  {
    count: Type.Integer({ description: 'How many there are in all' }),
    next: Type.Union([Type.String(), Type.Null()], { description: 'Path of the next page' }),
    previous: Type.Union([Type.String(), Type.Null()], { description: 'Path of the page before' }),
    results: Type.Array(AuthProject),
  },
  { title: 'AuthProjectList' },
)
