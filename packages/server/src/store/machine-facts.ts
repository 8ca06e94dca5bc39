import type { ComputeInstanceRow } from './schema.ts'

/** What is known of a machine that was started, in its row's `machine_facts`. */
export interface MachineFacts {
  /** The guest's address in its project, without prefix. */
  readonly address: string
  /** What the guest calls its operating system; before it has told, the image's name. */
  readonly osName: string
  readonly user: string
  /** GiB that its disk has, as far as it was asked for; absent in rows of versions that did not note it. */
  readonly diskGib?: number
  /** What its last start took of the host; absent in rows of versions that did not note it. */
  readonly lastSize?: LastSize
  /** When it was started, in microseconds since 1970; absent while it is off, and where a version did not note it. */
  readonly startedAt?: number
  /** Why it could not start with the size that was published while it runs, as a clause; absent where it could. */
  readonly neverFits?: string
  /** Where it was told that the guest does not answer any more. */
  readonly silence?: GuestSilence
}

/** What a machine takes of its host while it runs. */
export interface LastSize {
  readonly vcpus: number
  readonly memoryMib: number
  readonly gpuCount: number
  /** Absent without GPUs, and where a version did not note it. */
  readonly gpuModel?: string
}

export interface GuestSilence {
  /** Since when it has not reported, in microseconds since 1970. */
  readonly since: number
  /** Whether it still answers for its address on the network. */
  readonly network: boolean
}

/** Null for a machine that was never started. */
export function machineFacts({
  machine_facts,
}: Pick<ComputeInstanceRow, 'machine_facts'>): MachineFacts | null {
  return machine_facts === null ? null : (JSON.parse(machine_facts) as MachineFacts)
}

/** GiB that the machine's disk has; null where there is none, or no row tells. */
export function diskGibOf(
  row: Pick<ComputeInstanceRow, 'machine_present' | 'machine_facts' | 'running_size'>,
): number | null {
  if (row.machine_present === 0) return null
  const noted = machineFacts(row)?.diskGib
  if (noted !== undefined) return noted
  const { diskGib = null } = JSON.parse(row.running_size ?? '{}') as { diskGib?: number }
  return diskGib
}
