import type { StepOutcome } from '../engine/step.ts'
import { SECOND } from '../store/clock.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { applicationInput } from './deploy/application.ts'
import { applicationHappening, reviewApplication, type ApplicationReview } from './application-review.ts'
import { accessWaiting } from './guest-access.ts'
import { policyOf } from './guest-network.ts'
import { reviewGuest, type GuestReview } from './guest-review.ts'
import { tenantWords } from './network-review.ts'
import type { Host } from './host.ts'
import type { InstanceLifecycle } from './instance-lifecycle.ts'
import { advance } from './deploy/decision.ts'
import { placementOf, type Patch, type PhaseInput } from './deploy/phase.ts'
import { beginningOf } from './deploy/phases.ts'
import { writeIfCurrent, type Happening } from './instance-writes.ts'
import { runningReason, startWaiting } from './machine-size.ts'
import { guestPort, projectNetwork } from './machine-spec.ts'
import { reviewSilence } from './guest-silence.ts'
import { endOfGuest, observeGuest } from './observe-guest.ts'
import { letGoOn } from './paused-guest.ts'
import { listenForSsh, sshSentence, type SilentSsh } from './ssh-watch.ts'
import { asHostError, faultOf } from './unforeseen.ts'
import { ensureWaysIn } from './ways-in.ts'

const WATCH_SECONDS = 5
/** The kernel's rules are compared every so many rounds, that is every 30 s: it takes some 50 ms a guest. */
const ROUNDS_BETWEEN_LOOKS = 6

/** What this process remembers of a guest that it has looked after. */
export interface Watched {
  /** Why its application did not answer when it was last asked; null when it did. */
  readonly problem: string | null
  /** Whether its application, if any, is set up as this version does it. */
  readonly applicationAdopted: boolean
  /** Since when it has not reported, in microseconds; null when it did. */
  readonly silentSince: number | null
  /** Null once SSH was heard in it; undefined before it was listened for. */
  readonly ssh?: SilentSsh | null
  /** What the last look inside it found; absent where there was none yet. */
  readonly guest?: GuestReview
}

/** What is remembered of a guest that goes its way: nothing of what its next boot changes. */
export function unwatched(before: Watched | undefined): Watched {
  const { problem, applicationAdopted } = before ?? { problem: null, applicationAdopted: false }
  return { problem, applicationAdopted, silentSince: null }
}

/**
 * Looks after a running guest: its network and its way in are kept up, and a guest that is no longer there
 * is started again, since the wanted state says running (reconciler rule 6).
 * @param watched the guests that this process has looked after before
 */
export async function watchStep(
  { host, store }: InstanceLifecycle,
  input: PhaseInput,
  watched: Map<string, Watched>,
): Promise<StepOutcome> {
  const { row } = input
  const before = watched.get(row.id)
  const adopted = before !== undefined
  const looks = isLookRound(input)
  const now = store.clock.now()
  try {
    const seen = await observeGuest(host, row.id)
    if (seen.power === 'stopped') return goAgain(input, now, { ...STOPPED, message: endOfGuest(seen, now) })
    if (!(await carriesGuest(host, input))) return goAgain(input, now, CUT_OFF)
    if (seen.problem !== undefined) await letGoOn(host, input)
    const repaired = adopted && !looks ? [] : await repairPort(host, input, adopted)
    const { ssh, waysIn, problems, reopened } = await ensureWaysIn(host, input)
    const asks = !adopted || looks || before.problem !== null || row.status === 'failed'
    const applicationAdopted = before?.applicationAdopted ?? false
    const review: ApplicationReview = asks
      ? await reviewApplication(host, applicationInput(host, input), applicationAdopted)
      : { problem: null, adopted: applicationAdopted }
    const silence = await reviewSilence(host, input, {
      seen,
      before: before?.silentSince ?? null,
      isThorough: !adopted || looks,
    })
    const heard = await listenForSsh(host, input, ssh, before?.ssh)
    const guest = seen.report && (await reviewGuest(host, row, before?.guest, now))
    const lastGuest = guest ?? (before?.guest?.bootId === row.boot_id ? before?.guest : undefined)
    watched.set(row.id, {
      problem: review.problem,
      applicationAdopted: review.adopted,
      silentSince: silence.since,
      ssh: heard,
      ...(lastGuest ? { guest: lastGuest } : {}),
    })
    const isNewLook = lastGuest?.lookedAt === now
    if (isNewLook && lastGuest.agent === 'answering' && accessWaiting(input.access, input.settings) !== '')
      return goAgain(input, now, AGENT_ANSWERS)
    const complaints = [
      ...(silence.complaint === null ? [] : [silence.complaint]),
      ...(seen.problem === undefined ? [] : [seen.problem.replace(/^The /, 'the ')]),
      ...problems,
      ...(review.problem === null ? [] : [review.problem]),
      ...(lastGuest?.problems ?? []),
    ]
    const status = statusOf(row, review)
    const reason = review.failure ?? reasonOf(input, complaints, sshSentence(heard, now))
    const found = [...repaired, ...reopened.map((name) => `way in ${name}`)]
    return {
      next: 'wait',
      seconds: WATCH_SECONDS,
      commit: async (tx) => {
        const ways = JSON.stringify(waysIn)
        const changes = {
          ...(ssh.port === row.ssh_port ? {} : { ssh_address: ssh.address, ssh_port: ssh.port }),
          ...(ways === row.ways_in ? {} : { ways_in: ways }),
          ...(row.status === status ? {} : { status }),
          ...(row.reason === reason ? {} : { reason }),
          ...(review.certificate === undefined ? {} : { certificate: review.certificate }),
          ...silence.patch,
          ...(seen.report && seen.report.bootId !== row.boot_id ? { boot_id: seen.report.bootId } : {}),
        }
        // What a start of the host or of the relay takes away is no drift.
        const repair = found.length === 0 || !adopted ? undefined : networkRepaired(found)
        const paused =
          seen.problem === undefined ? undefined : { type: 'guest-problem', message: seen.problem }
        const happenings = [
          repair,
          silence.happening,
          applicationHappening(before?.problem ?? null, review, row.status === 'failed'),
          row.reason === reason ? undefined : paused,
          ...(guest?.happenings ?? []),
        ].filter((happening) => happening !== undefined)
        if (Object.keys(changes).length > 0 || happenings.length > 0)
          await writeIfCurrent(tx, row, { reason, ...changes }, now, ...happenings)
      },
    }
  } catch (error) {
    const failure = asHostError(error)
    const reason = `Running, but it could not be looked after: ${failure.message} Trying again.`
    return {
      next: 'retry',
      ...faultOf(failure),
      commit: async (tx) => void (await writeIfCurrent(tx, row, { reason }, now)),
    }
  }
}

/** One that has failed has until it answers. */
function statusOf(row: ComputeInstanceRow, { failure }: ApplicationReview): string {
  if (failure === undefined) return row.status
  return failure === null ? 'success' : 'failed'
}

/** Why a guest that runs has to go a part of its way again, and from where. */
interface Setback {
  readonly way: 'up' | 'down' | 'change'
  readonly type: string
  readonly message: string
  readonly patch: Patch
}

const STOPPED: Omit<Setback, 'message'> = {
  way: 'up',
  type: 'stopped',
  patch: { power_state: 'stopped', running_size: null, boot_id: null },
}

/** A device that is made anew is not the one that the guest's process holds: only another start opens it. */
const CUT_OFF: Setback = {
  way: 'down',
  type: 'network-lost',
  message: 'Its network device is gone from the host, and it is cut off; restarting it.',
  patch: {},
}

const AGENT_ANSWERS: Setback = {
  way: 'change',
  type: 'agent-answers',
  message: 'An agent answers in the guest now; changing who may log in.',
  patch: {},
}

function goAgain(
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

async function carriesGuest(host: Host, input: PhaseInput): Promise<boolean> {
  const { project, address, id } = placementOf(input)
  return host.network.carriesGuest(project.network_key, guestPort(host, id, address))
}

/**
 * Makes the guest's place on the network again where something of it is missing or different on the host.
 * @returns what was, as the tenant is told of it
 */
async function repairPort(host: Host, input: PhaseInput, adopted: boolean): Promise<string[]> {
  const { row, settings } = input
  const { project, address } = placementOf(input)
  const network = projectNetwork(host, project)
  const port = guestPort(host, row.id, address)
  const policy = policyOf(host.plan, settings, input.places)
  const differences = await host.network.portDifferences(network, port, policy)
  if (differences.length === 0 && adopted) return []
  await host.projectLocks.run(network.key, async () => {
    await host.network.ensureProject(network)
    await host.network.ensurePort(network, port, policy)
  })
  return tenantWords(differences)
}

/** @param remark on a guest that runs well; "" or a sentence with a blank before it */
function reasonOf(
  { row, settings, access }: PhaseInput,
  complaints: readonly string[],
  remark: string,
): string {
  if (complaints.length === 0) return `${runningReason(row, settings, access)}${remark}`
  return ['Running, but', ...complaints, startWaiting(row, settings, access)].join(' ').trimEnd()
}

/** Each instance has its own round, so that they do not all look at once. */
function isLookRound({ row, now }: PhaseInput): boolean {
  const round = Math.floor(now / (WATCH_SECONDS * SECOND)) % ROUNDS_BETWEEN_LOOKS
  return round === Number.parseInt(row.id.slice(-4), 16) % ROUNDS_BETWEEN_LOOKS
}

function networkRepaired(found: readonly string[]): Happening {
  return {
    type: 'network-repaired',
    message: `The host had lost or changed ${found.join(', ')}; it was made again.`,
  }
}
