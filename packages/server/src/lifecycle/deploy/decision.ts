import { HostError } from '@berth/contract/host/host-error'
import type { StatusStep } from '@berth/contract/instance-status'
import type { StepOutcome } from '../../engine/step.ts'
import { SECOND } from '../../store/clock.ts'
import { openAccess } from '../../store/published-settings.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import type { Happening } from '../instance-writes.ts'
import { runningReason } from '../machine-size.ts'
import { beginStep, endStep } from '../timeline.ts'
import type { DeployPhase, Done, Failed, Patch, PhaseInput, Wait } from './phase.ts'
import { beginningOf, placeAfter, textOf, type Place } from './phases.ts'

const SLOW_RETRY_SECONDS = 60

/** What a phase's end means for the row, for the engine, and for whoever watches. */
export interface Decision {
  readonly outcome: StepOutcome
  readonly patch: Patch
  readonly happening?: Happening
}

/**
 * Decides what follows from how a phase ended.
 * @param attempt how often this phase has failed in a row before
 * @param now microseconds
 */
export function decisionOf(
  input: PhaseInput,
  place: Place,
  ended: Done | Wait | Failed | HostError,
  attempt: number,
  now: number,
): Decision {
  const { phase } = place
  const { row } = input
  const deadlineSeconds = deadlineOf(phase, input)
  // One that failed and goes on being tried has all of its time again, once the host does more than fail.
  const startedAt = row.status === 'failed' ? now : row.phase_started_at
  const deadlineAt = startedAt + deadlineSeconds * SECOND
  const overdue = now >= deadlineAt
  const steps = beginStep(stepsBefore(row), phase.label, startedAt)
  if (ended instanceof HostError) {
    if (ended.retryable && ranBefore(place, row) && (overdue || row.status === 'failed'))
      return slowRetry(ended.message, row, steps, now)
    if (!ended.retryable || overdue) return failure(ended.message, steps, now)
    return {
      outcome: { next: 'retry', deadlineAt },
      patch: pending(
        `${sentence(ended.message)} Trying again (attempt ${attempt + 2}).`,
        beginStep(steps, phase.label, now, ended.message),
      ),
    }
  }
  if ('wait' in ended) {
    const late = `${ended.wait} That took longer than ${lengthOf(deadlineSeconds)}. Publish it to try again.`
    if (overdue) return failure(ended.tooLate ?? late, steps, now)
    return {
      outcome: { next: 'wait', seconds: ended.seconds, deadlineAt },
      patch: {
        ...ended.patch,
        ...pending(ended.wait, beginStep(steps, phase.label, now, ended.wait)),
        phase_started_at: startedAt,
      },
    }
  }
  if ('fail' in ended) return failure(ended.fail, steps, now, ended.patch)
  const done = endStep(steps, 'done', now, ended.detail)
  const next =
    placeAfter(place, { ...input, row: { ...row, ...ended.done } }) ?? onward(place, row.desired_power)
  if (!next) return arrival(input, ended.done, done, now)
  const decision = advance(next, ended.done, done, now)
  if (row.status !== 'failed') return decision
  // What is tried once a minute is no news until it comes further than to where it failed.
  return { ...decision, patch: { ...decision.patch, status: 'failed', reason: row.reason } }
}

/** Goes to another phase, whose time begins now. */
export function advance(next: Place, patch: Patch, steps: StatusStep[], now: number): Decision {
  const begun = beginStep(steps, next.phase.label, now)
  return {
    outcome: { next: 'goOn' },
    patch: {
      ...patch,
      ...pending(`${next.phase.label}.`, begun),
      phase: textOf(next),
      phase_started_at: now,
    },
  }
}

/** A guest that went down to run again goes up. */
function onward({ way }: Place, desiredPower: 'running' | 'stopped'): Place | undefined {
  return way === 'down' && desiredPower === 'running' ? beginningOf('up') : undefined
}

function arrival(input: PhaseInput, patch: Patch, steps: StatusStep[], now: number): Decision {
  const { row, settings } = input
  const arrived = { ...row, ...patch }
  const access = openAccess(input.secretBox, arrived) ?? input.access
  const runs = row.desired_power === 'running'
  const message = runs ? 'The guest is up.' : 'The guest is stopped.'
  return {
    outcome: { next: 'goOn' },
    patch: {
      ...patch,
      status: 'success',
      reason: runs ? runningReason(arrived, settings, access) : 'Stopped.',
      phase: runs ? 'run' : 'off',
      phase_started_at: now,
      observed_generation: row.deploy_generation,
      steps: JSON.stringify(steps),
    },
    happening: { type: runs ? 'running' : 'stopped', message },
  }
}

function failure(reason: string, steps: StatusStep[], now: number, known: Patch = {}): Decision {
  const ended = JSON.stringify(endStep(steps, 'failed', now, reason))
  return {
    outcome: { next: 'done' },
    patch: { ...known, status: 'failed', reason, phase: 'idle', phase_started_at: now, steps: ended },
    happening: { type: 'failed', message: reason },
  }
}

/** The timeline up to this step; another try of what failed begins a new one. */
function stepsBefore(row: ComputeInstanceRow): StatusStep[] {
  const isAnotherTry = row.status === 'failed' && row.phase === textOf(beginningOf('up'))
  return isAnotherTry ? [] : (JSON.parse(row.steps) as StatusStep[])
}

/** Whether the guest that is to come up ran with the same configuration before, so that only the host can be to blame. */
function ranBefore({ way }: Place, row: ComputeInstanceRow): boolean {
  return way === 'up' && row.observed_generation === row.deploy_generation
}

/**
 * It has failed, and says so once; since it is to run, it comes back by itself when the host is well again. Each try
 * goes the whole way, as the host may have lost what was made before.
 */
function slowRetry(message: string, row: ComputeInstanceRow, steps: StatusStep[], now: number): Decision {
  const isNews = row.status !== 'failed'
  return {
    outcome: { next: 'wait', seconds: SLOW_RETRY_SECONDS },
    patch: {
      status: 'failed',
      reason: `${sentence(message)} Starting it goes on being tried once a minute; publish it to try at once.`,
      phase: textOf(beginningOf('up')),
      phase_started_at: now,
      steps: JSON.stringify(endStep(steps, 'failed', now, message)),
    },
    ...(isNews ? { happening: { type: 'failed', message } } : {}),
  }
}

function pending(reason: string, steps: StatusStep[]): Patch {
  return { status: 'pending', reason, steps: JSON.stringify(steps) }
}

/** A message that ends in a command has no full stop, and gets one before another sentence follows. */
function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`
}

function deadlineOf({ deadlineSeconds }: DeployPhase, input: PhaseInput): number {
  return typeof deadlineSeconds === 'number' ? deadlineSeconds : deadlineSeconds(input)
}

function lengthOf(deadlineSeconds: number): string {
  return deadlineSeconds % 60 === 0 && deadlineSeconds > 60
    ? `${deadlineSeconds / 60} minutes`
    : `${deadlineSeconds} seconds`
}
