import { updateInstance } from '../store/compute-instances.ts'
import { recordAudit, recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { wake } from '../store/work-items.ts'
import type { ApiContext } from './api-context.ts'
import type { InstanceChange } from './instance-change.ts'

/**
 * Asks for an instance to go, in whatever state it is; it stays visible as destroying until it has gone
 * (guide, "Monitor until removal is complete"). Repeated, it hurries a delete that is being retried.
 */
export async function deleteInstance(
  context: ApiContext,
  tx: Tx,
  { instance, requester }: InstanceChange,
): Promise<ComputeInstanceRow> {
  const now = context.store.clock.now()
  await wake(tx, instance.kind, instance.id, now)
  if (instance.delete_requested_at !== null) return instance
  const row = await updateInstance(tx, instance.id, {
    delete_requested_at: now,
    status: 'destroying',
    reason: 'Being deleted.',
    phase: 'destroy',
    phase_started_at: now,
    steps: '[]',
  })
  const subject = subjectOf(row)
  await recordAudit(tx, now, requester, 'delete', subject)
  await recordEvent(tx, now, subject, 'deleting', 'Deletion asked for.')
  return row
}
