import { ApiError } from './api-error.ts'
import { misspeltMembers } from './application/misspelt-members.ts'
import { canonicalGpuModel, namedGpuModel } from './gpu-model.ts'
import type { InstanceKind } from './instance-kind.ts'
import { machineSize, unsaidSizes, type MachineSize } from './machine-size.ts'
import { meantVariables, unreadSentences, type MeantVariable } from './machine-variables.ts'
import { MASK } from './mask.ts'
import { nameFinder } from './near-name.ts'
import { profileProblem } from './profile-problem.ts'
import type { ComputeProfileSpec, ServiceProfileSpec } from './profile.ts'
import {
  clientMeaning,
  defaultMeaning,
  holderOf,
  isFixed,
  knownNames,
  type VariableMeaning,
} from './variable-meaning.ts'
import { quoted } from './variable-text.ts'
import { mergeVariables, type Variable } from './variable.ts'

/** The most warnings that an instance shows; a last sentence says that there are more. */
const MOST_WARNINGS = 16

/** So many names that the profile lacks are looked at: who sends more did not misspell them. */
const MOST_UNKNOWN = MOST_WARNINGS

/** The meanings that only an application has. */
const OF_SERVICES: ReadonlySet<VariableMeaning> = new Set(['applicationConfig', 'certificate'])

/** What warnings are made from. */
export interface WarnedInstance {
  readonly kind: InstanceKind
  readonly profile: ComputeProfileSpec & ServiceProfileSpec
  /** The profile's, as far as they are known and its spec leaves something to them. */
  readonly profileLabels?: Readonly<Record<string, string>>
  /** The instance's own variables, as anybody may read them. */
  readonly variables: readonly Variable[]
  /** What the disk of its machine has; null while it has none. */
  readonly machineDiskGib: number | null
}

/**
 * What an instance was applied with that is accepted and does not do what its user most likely wants: a sentence
 * each, naming variables and never a secret.
 */
export function instanceWarnings({
  kind,
  profile,
  profileLabels,
  variables,
  machineDiskGib,
}: WarnedInstance): string[] {
  const known = profile.variables ?? []
  const meant = meantVariables(known, variables)
  const size = sizeOf(meant)
  const problem = profileProblem(kind, profile, profileLabels, variables)
  const warnings = [
    ...(problem ? [`The profile ${problem.problem}: ${problem.remedy}.`] : []),
    ...unreadSentences(known, variables),
    ...nameWarnings(kind, known, variables, meant),
    ...misspeltMembers(known, variables).map(
      ({ variable, member, meant: nearest }) =>
        `${quoted(member)} in ${quoted(variable)} is not known and has no effect: did you mean ${quoted(nearest)}?`,
    ),
    ...nodeTypeWarnings(meant, size),
    ...(size ? [unsaidSizes(size)] : []),
    ...(size && machineDiskGib !== null && machineDiskGib > size.diskGib
      ? [
          `The machine keeps its disk of ${machineDiskGib} GiB: ${size.diskGib} GiB are asked for, and a disk never shrinks.`,
        ]
      : []),
  ].filter((sentence) => sentence !== '')
  if (warnings.length <= MOST_WARNINGS) return warnings
  const shown = warnings.slice(0, MOST_WARNINGS - 1)
  return [...shown, `There are ${warnings.length - shown.length} more warnings of this kind.`]
}

/** What names that the profile does not have are worth saying. */
function nameWarnings(
  kind: InstanceKind,
  profile: readonly Variable[],
  own: readonly Variable[],
  meant: ReadonlyMap<VariableMeaning, MeantVariable>,
): string[] {
  const declared = new Set(profile.map(({ name }) => name))
  const unknown = own.filter(({ name, value }) => value && !declared.has(name)).slice(0, MOST_UNKNOWN)
  const nearestTo = nameFinder(unknown.length === 0 ? [] : knownNames(profile))
  return unknown.flatMap(({ name, value = '' }) => {
    const meaning = defaultMeaning(name) ?? clientMeaning(name)
    if (kind !== 'Service' && meaning !== undefined && OF_SERVICES.has(meaning))
      return [`${quoted(name)} is for services, and has no effect on a compute instance.`]
    if (meaning !== undefined) return takenWarnings(profile, own, meant, { name, value, meaning })
    const nearest = nearestTo(name)
    if (nearest === undefined) return []
    return [`${quoted(name)} is not known and has no effect: did you mean ${quoted(nearest)}?`]
  })
}

/** What a name that has a meaning is worth saying where something else says the same. */
function takenWarnings(
  profile: readonly Variable[],
  own: readonly Variable[],
  meant: ReadonlyMap<VariableMeaning, MeantVariable>,
  {
    name,
    value,
    meaning,
  }: { readonly name: string; readonly value: string; readonly meaning: VariableMeaning },
): string[] {
  if (meant.get(meaning)?.name === name) return []
  const holder = holderOf(profile, meaning, name)
  if (!holder) return [`${quoted(name)} has no effect beside ${quoted(meant.get(meaning)?.name ?? '')}.`]
  const taken = mergeVariables(profile, own).find((variable) => variable.name === holder.name)?.value ?? ''
  if (comparable(meaning, taken) === comparable(meaning, value)) return []
  if (!isFixed(holder)) return [`${quoted(name)} has no effect beside ${quoted(holder.name)}.`]
  const at = taken === '' || taken === MASK ? '' : ` at ${quoted(taken)}`
  return [`${quoted(name)} has no effect: the profile fixes ${quoted(holder.name)}${at}.`]
}

function nodeTypeWarnings(
  meant: ReadonlyMap<VariableMeaning, MeantVariable>,
  size: MachineSize | undefined,
): string[] {
  const nodeType = meant.get('nodeType')
  if (!nodeType || nodeType.value === MASK) return []
  const { name, value } = nodeType
  const model = namedGpuModel(value)
  if (model === undefined) return [`${quoted(name)} names no GPU model and has no effect: ${quoted(value)}.`]
  const other = meant.get('gpuModel')
  if (!other || !size || size.gpuCount === 0 || size.gpuModel === model) return []
  return [`${quoted(name)} has no effect beside ${quoted(other.name)}.`]
}

/** Undefined where a value is masked, or cannot be read, so that there is nothing to say of it. */
function sizeOf(meant: ReadonlyMap<VariableMeaning, MeantVariable>): MachineSize | undefined {
  try {
    return machineSize(meant)
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

function comparable(meaning: VariableMeaning, value: string): string {
  if (meaning === 'gpuModel' || meaning === 'nodeType') return canonicalGpuModel(value)
  return value.trim() === '' && meaning === 'gpuCount' ? '0' : value.trim()
}
