import type { InstanceKind } from './instance-kind.ts'
import { isWorkedOut, meantVariables } from './machine-variables.ts'
import type { ComputeProfileSpec, ServiceProfileSpec } from './profile.ts'
import { quoted } from './variable-text.ts'
import type { Variable } from './variable.ts'

/** What exported profiles say in a label besides, or instead of, `computeType` (wire contract 2.4). */
export const COMPUTE_TYPE_LABEL = 'paas.envmgmt.io/compute_type'

/** Why Berth cannot make of a profile what it describes, and what can be done. */
export interface ProfileProblem {
  /** Follows the profile's name: `has …`. */
  readonly problem: string
  /** What who keeps the profile can do. */
  readonly remedy: string
}

/**
 * The rule of what can be deployed: a compute profile is one of virtual machines, a service profile says which
 * application it runs, and no variable with a meaning has a value that only another engine can work out. Anything
 * else is kept and shown, since catalogues are copied from elsewhere.
 * @param labels of the profile, where they are known
 * @param own the instance's variables, which may take the place of such a value
 * @returns null when it can be deployed
 */
export function profileProblem(
  kind: InstanceKind,
  spec: ComputeProfileSpec & ServiceProfileSpec,
  labels: Readonly<Record<string, string>> = {},
  own: readonly Variable[] = [],
): ProfileProblem | null {
  const missing = kind === 'Service' ? applicationProblem(spec) : machineProblem(spec, labels)
  return missing ?? valueProblem(spec.variables ?? [], own)
}

function applicationProblem({ application, serviceType }: ServiceProfileSpec): ProfileProblem | null {
  if (application) return null
  const what =
    serviceType === undefined ? '' : ` (its serviceType ${quoted(serviceType)} names none that is known)`
  return {
    problem: `has no spec.application, so there is nothing to run on its machine${what}`,
    remedy: 'describe the application in spec.application of the profile',
  }
}

function machineProblem(
  spec: ComputeProfileSpec,
  labels: Readonly<Record<string, string>>,
): ProfileProblem | null {
  const type = computeTypeOf(spec, labels)
  if (type !== undefined) {
    if (type.toLowerCase() === 'vm') return null
    return {
      problem: `has the computeType ${quoted(type)}, and only virtual machines ("vm") can be deployed here`,
      remedy: 'set spec.computeType of the profile to "vm" if it is one of virtual machines',
    }
  }
  const template = templateOf(spec)
  if (template === undefined || spec.guestImage !== undefined) return null
  return {
    problem: `is realised by the template ${quoted(template)}, which is not known here, and does not say that it is one of virtual machines`,
    remedy: 'set spec.computeType of the profile to "vm" if it is one',
  }
}

function valueProblem(profile: readonly Variable[], own: readonly Variable[]): ProfileProblem | null {
  if (!profile.some(isWorkedOut)) return null
  for (const { name, isOwn } of meantVariables(profile, own).values()) {
    const declared = profile.find((variable) => variable.name === name)
    if (isOwn || !declared || !isWorkedOut(declared)) continue
    return {
      problem: `gives ${quoted(name)} a value of the type ${quoted(declared.valueType ?? '')}, which is not worked out here`,
      remedy: `give ${quoted(name)} a plain value in the profile`,
    }
  }
  return null
}

/**
 * What a profile says that it is one of, in its spec or else in its label.
 * @returns undefined when neither says a word
 */
export function computeTypeOf(
  { computeType }: ComputeProfileSpec,
  labels: Readonly<Record<string, string>> = {},
): string | undefined {
  return computeType?.trim() || labels[COMPUTE_TYPE_LABEL]?.trim() || undefined
}

/**
 * The environment template, in an object or by its name alone, that another engine realises the profile by; undefined
 * without one.
 */
function templateOf(spec: ComputeProfileSpec): string | undefined {
  const { environmentTemplate: template } = spec as { environmentTemplate?: unknown }
  const name = typeof template === 'string' ? template : (template as { name?: unknown } | null)?.name
  return typeof name === 'string' && name.trim() !== '' ? name : undefined
}
