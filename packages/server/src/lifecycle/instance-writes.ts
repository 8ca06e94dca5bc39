import { instanceById, updateInstance } from '../store/compute-instances.ts'
import { recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import type { Patch } from './deploy/phase.ts'

/** An event that goes with a change of status. */
export interface Happening {
  readonly type: string
  readonly message: string
}

/**
 * Writes what a step found out, unless a request came in between and asked for something else: its wake-up
 * makes the next step start from what it asked for.
 * @returns whether it was written
 */
export async function writeIfCurrent(
  tx: Tx,
  before: ComputeInstanceRow,
  patch: Patch,
  now: number,
  ...happenings: readonly (Happening | undefined)[]
): Promise<boolean> {
  const current = await instanceById(tx, before.id)
  if (!current || !sameRequest(before, current)) return false
  const changed = Object.entries(patch).some(
    ([column, value]) => current[column as keyof typeof current] !== value,
  )
  if (changed) await updateInstance(tx, before.id, patch)
  for (const happening of happenings) {
    if (happening) await recordEvent(tx, now, subjectOf(before), happening.type, happening.message)
  }
  return true
}

function sameRequest(before: ComputeInstanceRow, current: ComputeInstanceRow): boolean {
  return (
    before.phase === current.phase &&
    before.phase_started_at === current.phase_started_at &&
    before.deploy_generation === current.deploy_generation &&
    before.delete_requested_at === current.delete_requested_at
  )
}
