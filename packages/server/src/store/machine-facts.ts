import type { ComputeInstanceRow } from './schema.ts'

/** What is known of a guest that was started once. */
export interface MachineFacts {
  readonly address: string
  readonly osName: string
  readonly user: string
  /** GiB that its disk has, as far as it was asked for; absent in rows of versions that did not note it. */
  readonly diskGib?: number
}

/** Null until the machine was first started. */
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
