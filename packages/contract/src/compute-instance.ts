import Type from 'typebox'
import { listOf, requestEnvelope } from './api-object.ts'
import { API_VERSION } from './api-version.ts'
import { instanceSpec, ProfileReference } from './instance-spec.ts'
import { InstanceStatus } from './instance-status.ts'
import { Metadata, RequestMetadata } from './metadata.ts'

/** Members that Berth gives no meaning to (storageDetails, computeType …) are kept and read back. */
export const ComputeInstanceSpec = Type.Object(
  {
    computeProfile: ProfileReference,
    ...instanceSpec,
  },
  { title: 'ComputeInstanceSpec', additionalProperties: true },
)
export type ComputeInstanceSpec = Type.Static<typeof ComputeInstanceSpec>

export const ComputeInstanceRequest = Type.Object(
  {
    ...requestEnvelope('ComputeInstance'),
    metadata: RequestMetadata,
    spec: ComputeInstanceSpec,
  },
  { title: 'ComputeInstanceRequest' },
)
export type ComputeInstanceRequest = Type.Static<typeof ComputeInstanceRequest>

export const ComputeInstance = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal('ComputeInstance'),
    metadata: Metadata,
    spec: ComputeInstanceSpec,
    status: InstanceStatus,
  },
  { title: 'ComputeInstance' },
)
export type ComputeInstance = Type.Static<typeof ComputeInstance>

export const ComputeInstanceList = listOf('ComputeInstance', ComputeInstance)
