import Type from 'typebox'
import { listOf, requestEnvelope } from './api-object.ts'
import { API_VERSION } from './api-version.ts'
import { Metadata, RequestMetadata } from './metadata.ts'

/** What a workspace carries besides its name; clients also send an empty status, which is ignored. */
export const WorkspaceSpec = Type.Object(
  {
    iconURL: Type.Optional(Type.String({ maxLength: 2048 })),
    readme: Type.Optional(Type.String({ maxLength: 65_536 })),
  },
  { title: 'WorkspaceSpec' },
)

export const WorkspaceRequest = Type.Object(
  {
    ...requestEnvelope('Workspace'),
    metadata: RequestMetadata,
    spec: Type.Optional(WorkspaceSpec),
  },
  { title: 'WorkspaceRequest' },
)
export type WorkspaceRequest = Type.Static<typeof WorkspaceRequest>

export const Workspace = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal('Workspace'),
    metadata: Metadata,
    spec: Type.Optional(WorkspaceSpec),
  },
  { title: 'Workspace' },
)
export type Workspace = Type.Static<typeof Workspace>

export const WorkspaceList = listOf('Workspace', Workspace)
