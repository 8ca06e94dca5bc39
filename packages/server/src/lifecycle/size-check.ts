import { machineFacts } from '../store/machine-facts.ts'
import type { Patch, PhaseInput } from './deploy/phase.ts'
import type { Host } from './host.ts'
import { sizeWaiting } from './machine-size.ts'
import { lastSizeOf, neverFits } from './never-fits.ts'

/** Whether a running machine could start with its new size, for its row: before somebody takes it down for that. */
export async function checkSize(
  host: Pick<Host, 'driver'>,
  { row, settings }: Pick<PhaseInput, 'row' | 'settings'>,
): Promise<Patch> {
  const known = machineFacts(row)
  if (known === null || (sizeWaiting(row, settings) === '' && known.neverFits === undefined)) return {}
  const { neverFits: _, ...facts } = known
  const never = neverFits(await host.driver.capacity(), settings, lastSizeOf(row))
  return {
    machine_facts: JSON.stringify({ ...facts, ...(never === undefined ? {} : { neverFits: never }) }),
  }
}
