import { diskGibOf, machineFacts } from '../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Patch } from './deploy/phase.ts'
import { shareOf, startedSize } from './machine-size.ts'

/** What the row of a machine says from when it does not run any more: with what it last ran stays known. */
export function stoppedMachine(
  row: Pick<ComputeInstanceRow, 'machine_present' | 'machine_facts' | 'running_size'>,
): Patch {
  const stopped = { power_state: 'stopped', boot_id: null, running_size: null } as const
  const facts = machineFacts(row)
  if (facts === null) return stopped
  const { startedAt: _, neverFits: __, ...kept } = facts
  const diskGib = diskGibOf(row)
  const ran = startedSize(row)
  const lastSize = ran === null ? facts.lastSize : shareOf(ran)
  return {
    ...stopped,
    machine_facts: JSON.stringify({
      ...kept,
      ...(diskGib === null ? {} : { diskGib }),
      ...(lastSize === undefined ? {} : { lastSize }),
    }),
  }
}
