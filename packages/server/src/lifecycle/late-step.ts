import { instanceById, updateInstance } from '../store/compute-instances.ts'
import { recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow, WorkItemRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { placeOf } from './deploy/phases.ts'
import { REMOVAL } from './destroy.ts'

/** Tells in an instance's reason and events that its step is late. How the step ends decides what is told then. */
export async function tellLate(tx: Tx, item: WorkItemRow, now: number): Promise<void> {
  const row = await instanceById(tx, item.object_id)
  if (!row) return
  const message = `The step "${stepName(row)}" ${item.began_at === null ? NOT_BEGUN : NOT_BACK}`
  const reason = row.phase === 'run' ? `Running, but not looked after. ${message}` : message
  await updateInstance(tx, row.id, { reason })
  await recordEvent(tx, now, subjectOf(row), 'late', message)
}

const NOT_BACK =
  'has been under way for more than 5 minutes: something on the host does not answer. Find out what hangs there; ' +
  'a restart of the server begins the step again, and guests run on.'
const NOT_BEGUN =
  'has been due for more than 5 minutes, and no worker of the server is free to begin it. ' +
  'See which other instances are late.'

function stepName({ delete_requested_at: deletion, phase }: ComputeInstanceRow): string {
  return deletion === null ? (placeOf(phase)?.phase.label ?? 'Look after guest') : REMOVAL
}
