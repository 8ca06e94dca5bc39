import Type from 'typebox'
import { ApplicationProfile } from './application/application-profile.ts'
import { listOf, requestEnvelope } from './api-object.ts'
import { API_VERSION } from './api-version.ts'
import { GUEST_IMAGE_NAME, MAX_GUEST_IMAGE_NAME } from './guest-image-name.ts'
import { Metadata, RequestMetadata } from './metadata.ts'
import { MAX_VARIABLES, Variable } from './variable.ts'

/** The project that holds the operator's catalogue (wire contract 1b). */
export const SYSTEM_CATALOG = 'system-catalog'

const sharedSpec = {
  guestImage: Type.Optional(
    Type.String({
      maxLength: MAX_GUEST_IMAGE_NAME,
      pattern: GUEST_IMAGE_NAME,
      description: 'The guest image to boot',
    }),
  ),
  variables: Type.Optional(Type.Array(Variable, { maxItems: MAX_VARIABLES })),
  systemCatalog: Type.Optional(Type.Boolean()),
}

/** A compute profile's spec; members that Berth gives no meaning to are kept (wire contract 2.4). */
export const ComputeProfileSpec = Type.Object(
  { ...sharedSpec, computeType: Type.Optional(Type.String({ maxLength: 64, examples: ['vm'] })) },
  { title: 'ComputeProfileSpec', additionalProperties: true },
)
export type ComputeProfileSpec = Type.Static<typeof ComputeProfileSpec>

export const ServiceProfileSpec = Type.Object(
  {
    ...sharedSpec,
    serviceType: Type.Optional(Type.String({ maxLength: 64, examples: ['notebook'] })),
    application: Type.Optional(ApplicationProfile),
  },
  { title: 'ServiceProfileSpec', additionalProperties: true },
)
export type ServiceProfileSpec = Type.Static<typeof ServiceProfileSpec>

export const ComputeProfileRequest = Type.Object(
  {
    ...requestEnvelope('ComputeProfile'),
    metadata: RequestMetadata,
    spec: ComputeProfileSpec,
  },
  { title: 'ComputeProfileRequest' },
)
export const ServiceProfileRequest = Type.Object(
  {
    ...requestEnvelope('ServiceProfile'),
    metadata: RequestMetadata,
    spec: ServiceProfileSpec,
  },
  { title: 'ServiceProfileRequest' },
)
export type ProfileRequest =
  | Type.Static<typeof ComputeProfileRequest>
  | Type.Static<typeof ServiceProfileRequest>

export const ComputeProfile = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal('ComputeProfile'),
    metadata: Metadata,
    spec: ComputeProfileSpec,
  },
  { title: 'ComputeProfile' },
)
export const ServiceProfile = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal('ServiceProfile'),
    metadata: Metadata,
    spec: ServiceProfileSpec,
  },
  { title: 'ServiceProfile' },
)

export const ComputeProfileList = listOf('ComputeProfile', ComputeProfile)
export const ServiceProfileList = listOf('ServiceProfile', ServiceProfile)
