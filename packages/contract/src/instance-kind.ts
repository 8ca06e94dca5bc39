/** The kinds of object that run on a machine of their own, as `kind` says it. */
export const INSTANCE_KINDS = ['ComputeInstance', 'Service'] as const
export type InstanceKind = (typeof INSTANCE_KINDS)[number]
