import {
  ComputeInstance,
  ComputeInstanceList,
  ComputeInstanceRequest,
} from '@berth/contract/compute-instance'
import type { InstanceKind } from '@berth/contract/instance-kind'
import type { ProfileReference } from '@berth/contract/instance-spec'
import { Service, ServiceList, ServiceRequest } from '@berth/contract/service'
import type { ProfileKind } from '../store/profiles.ts'

/** What the API has to know of a kind of instance; the rest is the same for all. */
interface KindDescription {
  /** The kind in words, as a sentence begins with it. */
  readonly title: string
  /** The word that stands for it within a sentence. */
  readonly noun: string
  /** The heading of its operations. */
  readonly tag: string
  /** Its path below a workspace. */
  readonly collection: string
  readonly profileKind: ProfileKind
  /** The member of `spec` that refers to the profile. */
  readonly profileMember: 'computeProfile' | 'serviceProfile'
  readonly profileTitle: string
  readonly profileCollection: string
}

export const KINDS: Readonly<Record<InstanceKind, KindDescription>> = {
  ComputeInstance: {
    title: 'Compute instance',
    noun: 'compute instance',
    tag: 'Compute instances',
    collection: 'computeinstances',
    profileKind: 'ComputeProfile',
    profileMember: 'computeProfile',
    profileTitle: 'compute profile',
    profileCollection: 'computeprofiles',
  },
  Service: {
    title: 'Service',
    noun: 'service',
    tag: 'Services',
    collection: 'services',
    profileKind: 'ServiceProfile',
    profileMember: 'serviceProfile',
    profileTitle: 'service profile',
    profileCollection: 'serviceprofiles',
  },
}

export type InstanceRequest = ComputeInstanceRequest | ServiceRequest
export type Instance = ComputeInstance | Service

/** The shapes that each kind's routes take and answer. */
export const KIND_SCHEMAS = {
  ComputeInstance: { one: ComputeInstance, list: ComputeInstanceList, request: ComputeInstanceRequest },
  Service: { one: Service, list: ServiceList, request: ServiceRequest },
} as const satisfies Record<InstanceKind, object>

/** The profile that a request names. */
export function profileReferenceOf(request: InstanceRequest): ProfileReference {
  return request.kind === 'Service' ? request.spec.serviceProfile : request.spec.computeProfile
}

/** `Compute instance "vm-1"`, as a sentence begins with it. */
export function nameInWords({ kind, name }: { readonly kind: InstanceKind; readonly name: string }): string {
  return `${KINDS[kind].title} ${JSON.stringify(name)}`
}
