import { canonicalGpuModel } from '@berth/contract/gpu-model'
import type { HostCapacity } from '../drivers/machine-driver.ts'
import { machineFacts, type LastSize } from '../store/machine-facts.ts'
import type { PublishedSettings } from '../store/published-settings.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { shareOf, startedSize } from './machine-size.ts'

type Wanted = Pick<PublishedSettings, 'vcpus' | 'memoryMib' | 'gpuCount' | 'gpuModel'>

/**
 * What a machine took of its host when it last started; `as published` where that is not known of one that ran with
 * what is published now, undefined where it never ran, or not with that.
 */
export function lastSizeOf(
  row: Pick<
    ComputeInstanceRow,
    'running_size' | 'machine_facts' | 'observed_generation' | 'deploy_generation'
  >,
): LastSize | 'as published' | undefined {
  const running = startedSize(row)
  if (running !== null) return shareOf(running)
  const facts = machineFacts(row)
  if (facts === null) return undefined
  return facts.lastSize ?? (row.observed_generation === row.deploy_generation ? 'as published' : undefined)
}

/**
 * What of a size its host could not give even if it were empty, as a clause with the figures and what to choose;
 * undefined where there is nothing. What ran with as much did fit: the host has lost something, and may have it back.
 */
export function neverFits(
  capacity: HostCapacity,
  wanted: Wanted,
  last: LastSize | 'as published' | undefined,
): string | undefined {
  if (last === 'as published') return undefined
  const gpus = gpuShare(wanted.gpuModel)
  const hadGpus = last?.gpuModel === undefined || gpus.counts(last.gpuModel) ? (last?.gpuCount ?? 0) : 0
  const figures = [
    { what: gpus.what, total: gpus.sumOf(capacity.gpus), wanted: wanted.gpuCount, had: hadGpus },
    { what: 'MiB of memory', total: capacity.memoryMib, wanted: wanted.memoryMib, had: last?.memoryMib ?? 0 },
    { what: 'vCPUs', total: capacity.vcpus, wanted: wanted.vcpus, had: last?.vcpus ?? 0 },
  ]
  const never = figures.find(({ total, wanted: needed, had }) => needed > total && needed > had)
  if (never === undefined) return undefined
  const others = never.what === gpus.what ? otherModels(capacity, gpus.counts) : ''
  const choice = never.what === gpus.what ? 'other GPUs or fewer' : 'a smaller size'
  return `it needs ${never.wanted} ${never.what}, and this host has ${never.total} in all${others}. Choose ${choice}`
}

/** Which of a host's GPUs count for one that asks for `wanted`, "" being any model; and what they are called. */
export function gpuShare(wanted: string): {
  readonly what: string
  readonly counts: (other: string) => boolean
  readonly sumOf: (byModel: Readonly<Record<string, number>>) => number
} {
  const model = canonicalGpuModel(wanted)
  // One that asked for any model may have taken of this one.
  const counts = (other: string) => model === '' || other === '' || canonicalGpuModel(other) === model
  return {
    what: model === '' ? 'GPUs' : `${wanted} GPUs`,
    counts,
    sumOf: (byModel) =>
      Object.entries(byModel).reduce((sum, [other, count]) => sum + (counts(other) ? count : 0), 0),
  }
}

/** The GPUs that the host has beside those that are asked for, in brackets; "" when it has none. */
function otherModels({ gpus }: HostCapacity, counts: (model: string) => boolean): string {
  const others = Object.entries(gpus).filter(([model, count]) => count > 0 && !counts(model))
  if (others.length === 0) return ''
  return ` (it has ${others.map(([model, count]) => `${count} ${model}`).join(', ')})`
}
