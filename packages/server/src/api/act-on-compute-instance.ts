import { ApiError } from '@berth/contract/api-error'
import { ACTIONS, availableActions, type Action, type StatusWord } from '@berth/contract/instance-status'
import { updateInstance } from '../store/compute-instances.ts'
import { recordAudit, recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { wake } from '../store/work-items.ts'
import type { ApiContext } from './api-context.ts'
import type { Publish } from './publish-compute-instance.ts'

/** What each action asks the reconciler for; a reboot is a way down to a machine that is to run. */
const EFFECTS: Readonly<Record<Action, Pick<ComputeInstanceRow, 'desired_power' | 'phase' | 'reason'>>> = {
  start: { desired_power: 'running', phase: 'up:place', reason: 'Starting.' },
  stop: { desired_power: 'stopped', phase: 'down:shutdown', reason: 'Stopping.' },
  reboot: { desired_power: 'running', phase: 'down:shutdown', reason: 'Rebooting.' },
}

/** @throws ApiError 400 when there is no such action */
export function parseAction(text: string): Action {
  const action = ACTIONS.find((candidate) => candidate === text)
  if (action) return action
  throw ApiError.invalid(
    'action',
    `must be one of ${ACTIONS.join(', ')}; got ${JSON.stringify(text.slice(0, 40))}`,
  )
}

/**
 * Starts, stops or reboots (guide, "Actions on VM").
 * @throws ApiError 409 naming what can be done instead
 */
export async function actOnComputeInstance(
  context: ApiContext,
  tx: Tx,
  request: Publish,
  action: Action,
): Promise<ComputeInstanceRow> {
  const { instance } = request
  const available = availableActions({
    status: instance.status as StatusWord,
    powerState: instance.power_state,
    machinePresent: instance.machine_present === 1,
  })
  if (!available.includes(action)) throw ApiError.conflict(refusal(instance, action, available))
  const now = context.store.clock.now()
  const row = await updateInstance(tx, instance.id, {
    ...EFFECTS[action],
    status: 'pending',
    phase_started_at: now,
    steps: '[]',
  })
  await wake(tx, row.kind, row.id, now)
  const subject = subjectOf(row)
  await recordAudit(tx, now, request.requester, action, subject)
  await recordEvent(tx, now, subject, action, EFFECTS[action].reason)
  return row
}

function refusal(instance: ComputeInstanceRow, action: Action, available: readonly Action[]): string {
  const state = instance.status === 'success' ? instance.power_state : instance.status
  const instead =
    available.length > 0
      ? `It can ${available.join(' or ')} now.`
      : 'It takes no action now; watch its status.'
  return `Compute instance ${JSON.stringify(instance.name)} is ${state} and cannot ${action}. ${instead}`
}
