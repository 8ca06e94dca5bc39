import type { StepOutcome } from '../engine/step.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { advance } from './deploy/decision.ts'
import type { Patch, PhaseInput } from './deploy/phase.ts'
import { beginningOf } from './deploy/phases.ts'
import { writeIfCurrent } from './instance-writes.ts'
import { stoppedMachine } from './stopped-machine.ts'

/** Why a guest that runs has to go a part of its way again, and from where. */
interface Setback {
  readonly way: 'up' | 'down' | 'change'
  readonly type: string
  readonly message: string
  readonly patch: Patch
}

/** @param message why, as the tenant is told */
export function endedBy(row: ComputeInstanceRow, message: string): Setback {
  return { way: 'up', type: 'stopped', message, patch: stoppedMachine(row) }
}

/** A device that is made anew is not the one that the guest's process holds: only another start opens it. */
export const CUT_OFF: Setback = {
  way: 'down',
  type: 'network-lost',
  message: 'Its network device is gone from the host, and it is cut off; restarting it.',
  patch: {},
}

export const AGENT_ANSWERS: Setback = {
  way: 'change',
  type: 'agent-answers',
  message: 'An agent answers in the guest now; changing who may log in.',
  patch: {},
}

/** Sends a guest that was looked after on its way again. */
export function goAgain(
  { row }: PhaseInput,
  now: number,
  { way, type, message, patch: known }: Setback,
): StepOutcome {
  const { outcome, patch } = advance(beginningOf(way), known, [], now)
  const change = { ...patch, reason: message }
  return {
    ...outcome,
    commit: async (tx) => void (await writeIfCurrent(tx, row, change, now, { type, message })),
  }
}
