import { ApiError } from '@berth/contract/api-error'
import type { InstanceKind } from '@berth/contract/instance-kind'
import { availableActions, KIND_ACTIONS, type Action, type StatusWord } from '@berth/contract/instance-status'
import { updateInstance } from '../store/compute-instances.ts'
import { recordAudit, recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { machineFacts } from '../store/machine-facts.ts'
import type { Tx } from '../store/store.ts'
import { wake } from '../store/work-items.ts'
import type { ApiContext } from './api-context.ts'
import type { InstanceChange } from './instance-change.ts'
import { nameInWords } from './instance-kind.ts'

/** What each action asks the reconciler for; a reboot is a way down to a machine that is to run. */
const EFFECTS: Readonly<Record<Action, Pick<ComputeInstanceRow, 'desired_power' | 'phase' | 'reason'>>> = {
  start: { desired_power: 'running', phase: 'up:place', reason: 'Starting.' },
  stop: { desired_power: 'stopped', phase: 'down:shutdown', reason: 'Stopping.' },
  reboot: { desired_power: 'running', phase: 'down:shutdown', reason: 'Rebooting.' },
}

/** @throws ApiError 400 when the kind has no such action */
export function parseAction(kind: InstanceKind, text: string): Action {
  const known: readonly Action[] = KIND_ACTIONS[kind]
  const action = known.find((candidate) => candidate === text)
  if (action) return action
  throw ApiError.invalid(
    'action',
    `must be one of ${known.join(', ')}; got ${JSON.stringify(text.slice(0, 40))}`,
  )
}

/** What can be done with an instance now. */
export function actionsOf(instance: ComputeInstanceRow): Action[] {
  const actions = availableActions({
    kind: instance.kind,
    status: instance.status as StatusWord,
    powerState: instance.power_state,
    machinePresent: instance.machine_present === 1,
    // lifecycle/deploy/phases.ts names the ways.
    comingUp: instance.phase.startsWith('up:'),
  })
  return isTooLarge(instance) ? actions.filter((action) => action !== 'reboot') : actions
}

/** Whether it runs, and would not come up again as it is published. */
function isTooLarge(instance: ComputeInstanceRow): boolean {
  return machineFacts(instance)?.neverFits !== undefined
}

/**
 * Starts, stops or reboots (guide, "Actions on VM", "Actions on Service").
 * @throws ApiError 409 naming what can be done instead
 */
export async function actOnInstance(
  context: ApiContext,
  tx: Tx,
  { instance, requester }: InstanceChange,
  action: Action,
): Promise<ComputeInstanceRow> {
  const available = actionsOf(instance)
  if (!available.includes(action)) throw ApiError.conflict(refusal(instance, action, available))
  const now = context.store.clock.now()
  const row = await updateInstance(tx, instance.id, {
    ...EFFECTS[action],
    // What runs and has failed is brought to its configuration, as another publish of it would.
    ...(action === 'start' && instance.boot_id !== null ? { phase: 'change:address' } : {}),
    status: 'pending',
    phase_started_at: now,
    steps: '[]',
  })
  await wake(tx, row.kind, row.id, now)
  const subject = subjectOf(row)
  await recordAudit(tx, now, requester, action, subject)
  await recordEvent(tx, now, subject, action, EFFECTS[action].reason)
  return row
}

function refusal(instance: ComputeInstanceRow, action: Action, available: readonly Action[]): string {
  const never = action === 'reboot' ? machineFacts(instance)?.neverFits : undefined
  if (never !== undefined)
    return `${nameInWords(instance)} cannot reboot, as its new size can never start here: ${never}, and publish it again.`
  const state = instance.status === 'success' ? instance.power_state : instance.status
  const instead =
    available.length > 0
      ? `It can ${available.join(' or ')} now.`
      : 'It takes no action now; watch its status.'
  return `${nameInWords(instance)} is ${state} and cannot ${action}. ${instead}`
}
