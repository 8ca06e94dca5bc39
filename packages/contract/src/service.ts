import Type from 'typebox'
import { listOf, requestEnvelope } from './api-object.ts'
import { API_VERSION } from './api-version.ts'
import { instanceSpec, ProfileReference } from './instance-spec.ts'
import { InstanceStatus, KIND_ACTIONS } from './instance-status.ts'
import { Metadata, RequestMetadata } from './metadata.ts'
import { ServiceOutput } from './service-output.ts'

/** Members that Berth gives no meaning to are kept and read back. */
export const ServiceSpec = Type.Object(
  { serviceProfile: ProfileReference, ...instanceSpec },
  { title: 'ServiceSpec', additionalProperties: true },
)
export type ServiceSpec = Type.Static<typeof ServiceSpec>

export const ServiceRequest = Type.Object(
  {
    ...requestEnvelope('Service'),
    metadata: RequestMetadata,
    spec: ServiceSpec,
  },
  { title: 'ServiceRequest' },
)
export type ServiceRequest = Type.Static<typeof ServiceRequest>

export const ServiceStatus = Type.Object(
  {
    ...InstanceStatus.properties,
    actions: Type.Array(Type.Enum(KIND_ACTIONS.Service), { description: 'What can be done now' }),
    output: ServiceOutput,
  },
  { title: 'ServiceStatus' },
)
export type ServiceStatus = Type.Static<typeof ServiceStatus>

export const Service = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal('Service'),
    metadata: Metadata,
    spec: ServiceSpec,
    status: ServiceStatus,
  },
  { title: 'Service' },
)
export type Service = Type.Static<typeof Service>

export const ServiceList = listOf('Service', Service)
