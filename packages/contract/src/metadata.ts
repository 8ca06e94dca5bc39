import Type from 'typebox'
import { ObjectName } from './object-name.ts'
import { Principal } from './principal.ts'

/** The most characters of a display name. */
export const MAX_DISPLAY_NAME = 256

/** Labels and annotations: strings to strings, or typed clients fail to decode (wire contract 2.2). */
export const StringMap = Type.Unsafe<Record<string, string>>({
  type: 'object',
  propertyNames: { maxLength: 253 },
  additionalProperties: { type: 'string', maxLength: 65_536 },
})
export type StringMap = Record<string, string>

/**
 * Metadata as clients send it. Only `name` matters: the path decides project and workspace, and the
 * fields that the server owns are ignored (wire contract 2.2).
 */
export const RequestMetadata = Type.Object(
  {
    name: ObjectName,
    project: Type.Optional(Type.String({ description: 'Ignored: the path decides' })),
    workspace: Type.Optional(Type.String({ description: 'Ignored: the path decides' })),
    displayName: Type.Optional(Type.String({ maxLength: MAX_DISPLAY_NAME })),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    labels: Type.Optional(StringMap),
    annotations: Type.Optional(StringMap),
  },
  { title: 'RequestMetadata' },
)
export type RequestMetadata = Type.Static<typeof RequestMetadata>

/** Metadata as the server answers it. */
export const Metadata = Type.Object(
  {
    name: ObjectName,
    project: Type.String(),
    workspace: Type.Optional(Type.String({ description: 'On compute instances and services only' })),
    displayName: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    labels: Type.Optional(StringMap),
    annotations: Type.Optional(StringMap),
    id: Type.String({ format: 'uuid', description: 'UUIDv7' }),
    projectID: Type.String({ description: 'Seven lower-case base-36 characters' }),
    createdAt: Type.String({ format: 'date-time', description: 'RFC 3339, UTC, six decimals' }),
    modifiedAt: Type.String({ format: 'date-time', description: 'RFC 3339, UTC, six decimals' }),
    createdBy: Type.Optional(Principal),
    modifiedBy: Type.Optional(Principal),
  },
  { title: 'Metadata' },
)
export type Metadata = Type.Static<typeof Metadata>
