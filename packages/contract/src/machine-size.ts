import { ApiError } from './api-error.ts'
import { canonicalGpuModel, namedGpuModel } from './gpu-model.ts'
import { MACHINE_LIMITS } from './machine-limits.ts'
import type { MeantVariable } from './machine-variables.ts'
import type { VariableMeaning } from './variable-meaning.ts'
import { quoted } from './variable-text.ts'
import { wholeNumber, type Limits } from './whole-number.ts'

/** What a machine is made of. */
export interface MachineSize {
  readonly vcpus: number
  readonly memoryMib: number
  readonly diskGib: number
  readonly gpuCount: number
  /** In the spelling of gpu-model.ts; "": any. */
  readonly gpuModel: string
  /** What neither the profile nor the object says, so that it has the default; absent where everything is said. */
  readonly unsaid?: readonly SizeName[]
}
type SizeName = 'vcpus' | 'memoryMib' | 'diskGib'

/** Used where nobody names a size: enough for a Debian guest. */
const DEFAULTS = { vcpus: 1, memoryMib: 1024, diskGib: 10 } as const

/** Less than a whole GiB is rounded up. */
const DISK_LIMITS_MIB = { minimum: 1, maximum: MACHINE_LIMITS.diskGib.maximum * 1024 } as const

const MIB_PER_UNIT: Readonly<Record<string, number>> = {
  MiB: 1,
  // The field writes "MB" where hypervisors count MiB ("720000" for a 703 GiB machine): one and the same.
  MB: 1,
  GiB: 1024,
  GB: 1024,
  TiB: 1024 * 1024,
}

/** @throws ApiError 400 naming the variable */
export function machineSize(meant: ReadonlyMap<VariableMeaning, MeantVariable>): MachineSize {
  const read = <T>(meaning: VariableMeaning, parse: (value: MeantVariable) => T): T | undefined => {
    const value = meant.get(meaning)
    return value && parse(value)
  }
  const gpuCount = read('gpuCount', (value) => wholeNumber(value, MACHINE_LIMITS.gpuCount)) ?? 0
  const grown = (value: MeantVariable, size: number, { maximum }: Limits, what: string): number => {
    const perGpu = value.options.perGpu === true && !value.isOwn
    const whole = perGpu ? size * Math.max(1, gpuCount) : size
    if (whole <= maximum) return whole
    throw ApiError.invalid(
      value.name,
      `is for each of ${gpuCount} GPUs, and at most ${maximum} ${what} are possible`,
    )
  }
  const said = {
    vcpus: read('vcpu', (value) =>
      grown(value, wholeNumber(value, MACHINE_LIMITS.vcpus), MACHINE_LIMITS.vcpus, 'vCPUs'),
    ),
    memoryMib: read('memory', (value) =>
      grown(value, mebibytes(value, 'MiB', MACHINE_LIMITS.memoryMib), MACHINE_LIMITS.memoryMib, 'MiB'),
    ),
    diskGib: read('disk', (value) => {
      const size = Math.ceil(mebibytes(value, 'GiB', DISK_LIMITS_MIB) / 1024)
      return grown(value, size, MACHINE_LIMITS.diskGib, 'GiB')
    }),
  }
  const unsaid = (['vcpus', 'memoryMib', 'diskGib'] as const).filter((name) => said[name] === undefined)
  return {
    vcpus: said.vcpus ?? DEFAULTS.vcpus,
    memoryMib: said.memoryMib ?? DEFAULTS.memoryMib,
    diskGib: said.diskGib ?? DEFAULTS.diskGib,
    gpuCount,
    gpuModel: gpuModelOf(meant),
    ...(unsaid.length === 0 ? {} : { unsaid }),
  }
}

/** The sizes that a machine has since nobody said others, as a sentence; "" when all were said. */
export function unsaidSizes({ vcpus, memoryMib, diskGib, unsaid = [] }: MachineSize): string {
  const names = { vcpus: 'vCPUs', memoryMib: 'memory', diskGib: 'disk' }
  const sizes = {
    vcpus: `${vcpus} vCPU`,
    memoryMib: `${memoryMib} MiB of memory`,
    diskGib: `a disk of ${diskGib} GiB`,
  }
  if (unsaid.length === 0) return ''
  const [what, given] = [listed(unsaid.map((name) => names[name])), listed(unsaid.map((name) => sizes[name]))]
  return `Neither the profile nor the instance says its ${what}: it gets ${given}.`
}

/** A node's type counts where it names a model and the object names none by itself. */
function gpuModelOf(meant: ReadonlyMap<VariableMeaning, MeantVariable>): string {
  const model = meant.get('gpuModel')
  const byNode = namedGpuModel(meant.get('nodeType')?.value ?? '')
  if (byNode !== undefined && !model?.isOwn) return byNode
  return model === undefined ? '' : canonicalGpuModel(model.value)
}

/** @param limits in MiB */
function mebibytes(
  { name, value, options }: MeantVariable,
  defaultUnit: string,
  { minimum, maximum }: Limits,
): number {
  const unit = options.unit ?? defaultUnit
  const factor = Object.hasOwn(MIB_PER_UNIT, unit) ? MIB_PER_UNIT[unit] : undefined
  const text = value.trim()
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (factor === undefined) {
    const known = Object.keys(MIB_PER_UNIT).join(', ')
    throw ApiError.invalid(name, `has the unknown unit ${unit}; known are ${known}`)
  }
  const size = Math.ceil(number * factor)
  if (size >= minimum && size <= maximum) return size
  const least = minimum > 1 ? `from ${minimum / factor} to` : 'above 0 and at most'
  throw ApiError.invalid(name, `must be a size ${least} ${maximum / factor} in ${unit}; got ${quoted(value)}`)
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}
