import type { PublishedSettings } from '../store/published-settings.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'

/** The part of the settings that a machine takes only when it starts. */
interface MachineSize {
  readonly vcpus: number
  readonly memoryMib: number
  readonly diskGib: number
  readonly gpuCount: number
}

export function sizeOf({ vcpus, memoryMib, diskGib, gpuCount }: PublishedSettings): MachineSize {
  return { vcpus, memoryMib, diskGib, gpuCount }
}

/** What a user reads of a machine that runs: also what still waits for its next start. */
export function runningReason(
  row: Pick<ComputeInstanceRow, 'running_size'>,
  settings: PublishedSettings,
): string {
  const wanted = sizeOf(settings)
  if (row.running_size === null || row.running_size === JSON.stringify(wanted)) return 'Running.'
  const { vcpus, memoryMib, diskGib } = wanted
  return `Running. The new size (${vcpus} vCPUs, ${memoryMib} MiB of memory, ${diskGib} GiB of disk) applies when it is stopped and started again.`
}
