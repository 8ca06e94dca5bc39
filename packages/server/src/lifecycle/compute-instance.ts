import { HostError } from '@berth/contract/host/host-error'
import type { StatusStep } from '@berth/contract/instance-status'
import type { StepContext, StepHandler, StepOutcome } from '../engine/step.ts'
import { AT_ONCE } from '../store/clock.ts'
import { instanceById, othersSshPorts, updateInstance } from '../store/compute-instances.ts'
import { addressOf } from '../store/guest-addresses.ts'
import { externalPortsOf } from '../store/external-ports.ts'
import { projectById } from '../store/projects.ts'
import { accessOf, openAccess, openSettings } from '../store/published-settings.ts'
import { publicAddressOf } from '../store/public-addresses.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { decisionOf } from './deploy/decision.ts'
import { lostGuest } from './deploy/lost-guest.ts'
import { restartFor } from './deploy/restart.ts'
import type { DeployPhase, Patch, PhaseInput, PhaseResult } from './deploy/phase.ts'
import { placeOf, type Place } from './deploy/phases.ts'
import { destroyStep } from './destroy.ts'
import type { Host } from './host.ts'
import { sshForwardPlaces } from './ssh-forward.ts'
import { asHostError, faultOf } from './unforeseen.ts'
import type { InstanceLifecycle } from './instance-lifecycle.ts'
import { writeIfCurrent } from './instance-writes.ts'
import { unwatched, watchStep, type Watched } from './watch.ts'

/**
 * The state machine of a compute instance: it goes a way (up, change, keep, down) phase by
 * phase, and destroy from anywhere. The phase is in the row; each step runs one phase, once.
 */
export function computeInstanceHandler(lifecycle: InstanceLifecycle): StepHandler {
  const watched = new Map<string, Watched>()
  return async (context) => {
    const id = context.objectId
    try {
      const row = await rowOf(lifecycle.store, id)
      if (!row) return { next: 'gone' }
      const outcome = await stepOf(lifecycle, context, row, watched)
      if (outcome.next === 'gone') watched.delete(id)
      else if (row.phase !== 'run' || !watched.has(id)) watched.set(id, unwatched(watched.get(id)))
      return outcome
    } finally {
      lifecycle.onStepped(id)
    }
  }
}

/** The instance as its step finds it. A time that is to begin with this step begins now. */
async function rowOf(store: Store, id: string): Promise<ComputeInstanceRow | undefined> {
  const found = await instanceById(store.db, id)
  if (found?.phase_started_at !== AT_ONCE) return found
  return store.transaction(async (tx) => {
    const current = await instanceById(tx, id)
    if (current?.phase_started_at !== AT_ONCE) return current
    return updateInstance(tx, id, { phase_started_at: store.clock.now() })
  })
}

async function stepOf(
  lifecycle: InstanceLifecycle,
  context: StepContext,
  row: ComputeInstanceRow,
  watched: Map<string, Watched>,
): Promise<StepOutcome> {
  const project = await projectById(lifecycle.store.db, row.project_id)
  const address = await addressOf(lifecycle.store.db, row.id)
  if (row.delete_requested_at !== null) return destroyStep(lifecycle, context, { row, project, address })
  const settings = openSettings(lifecycle.secretBox, row)
  if (!settings) return { next: 'done' }
  const { store, secretBox, authority } = lifecycle
  const access = openAccess(secretBox, row) ?? accessOf(settings)
  const places = {
    publicAddress: await publicAddressOf(store.db, row.id),
    externalPorts: await externalPortsOf(store.db, row.id),
  }
  const others = await othersSshPorts(store.db, row.id, sshForwardPlaces(row))
  const now = store.clock.now()
  const known = { row, project, settings, access, address, places, othersSshPorts: others }
  const input: PhaseInput = { ...known, secretBox, authority, now }
  if (row.phase === 'run') return watchStep(lifecycle, input, watched)
  const place = placeOf(row.phase)
  if (!place) return { next: 'done' }
  const restart = restartFor(input, place)
  if (!restart) return phaseStep(lifecycle, context, input, place)
  return {
    ...restart.outcome,
    commit: async (tx) => void (await writeIfCurrent(tx, row, restart.patch, now)),
  }
}

async function phaseStep(
  { host, store, durations }: InstanceLifecycle,
  context: StepContext,
  input: PhaseInput,
  place: Place,
): Promise<StepOutcome> {
  const result = await runPhase(host, input, place.phase)
  const lost =
    result instanceof HostError ? await lostGuest(host, input, place, store.clock.now()) : undefined
  return {
    next: 'goOn',
    ...faultOf(result),
    commit: async (tx) => {
      const ended = 'decide' in result ? await result.decide(tx) : result
      const decision = lost ?? decisionOf(input, place, ended, context.attempt, store.clock.now())
      const now = store.clock.now()
      await writeIfCurrent(tx, input.row, decision.patch, now, decision.happening)
      if ('done' in ended) durations?.note(input.row, doneStep(place, decision.patch))
      return decision.outcome
    },
  }
}

/** The step that a phase has just done, in the timeline that it wrote. */
function doneStep({ phase }: Place, { steps = '[]' }: Patch): StatusStep[] {
  return (JSON.parse(steps) as StatusStep[]).filter(({ name }) => name === phase.label).slice(-1)
}

async function runPhase(host: Host, input: PhaseInput, phase: DeployPhase): Promise<PhaseResult | HostError> {
  try {
    return await phase.run(host, input)
  } catch (error) {
    return asHostError(error)
  }
}
