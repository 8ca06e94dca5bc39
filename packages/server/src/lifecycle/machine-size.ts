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

/** What a user reads of a machine that runs: also what still waits for its next start. A disk never shrinks. */
export function runningReason(
  row: Pick<ComputeInstanceRow, 'running_size'>,
  settings: PublishedSettings,
): string {
  const wanted = sizeOf(settings)
  const running = row.running_size === null ? wanted : (JSON.parse(row.running_size) as MachineSize)
  const changes = [
    wanted.vcpus === running.vcpus ? '' : `${wanted.vcpus} vCPUs`,
    wanted.memoryMib === running.memoryMib ? '' : `${wanted.memoryMib} MiB of memory`,
    wanted.diskGib <= running.diskGib ? '' : `a disk of ${wanted.diskGib} GiB`,
    wanted.gpuCount === running.gpuCount ? '' : `${wanted.gpuCount} GPUs`,
  ].filter((change) => change !== '')
  if (changes.length === 0) return 'Running.'
  return `Running. The new size (${changes.join(', ')}) applies when it is stopped and started again.`
}
