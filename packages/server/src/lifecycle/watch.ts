import type { StepOutcome } from '../engine/step.ts'
import { SECOND } from '../store/clock.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { applicationInput } from './deploy/application.ts'
import { applicationHappening, reviewApplication, type ApplicationReview } from './application-review.ts'
import { accessWaiting } from './guest-access.ts'
import { reviewGuest, type GuestReview } from './guest-review.ts'
import type { Host } from './host.ts'
import type { InstanceLifecycle } from './instance-lifecycle.ts'
import { placementOf, type PhaseInput } from './deploy/phase.ts'
import { writeIfCurrent } from './instance-writes.ts'
import { runningReason, startWaiting } from './machine-size.ts'
import { guestPort } from './machine-spec.ts'
import { reviewSilence } from './guest-silence.ts'
import { endOfGuest, observeGuest } from './observe-guest.ts'
import { letGoOn } from './paused-guest.ts'
import { networkRepaired, repairPort } from './port-repair.ts'
import { AGENT_ANSWERS, CUT_OFF, endedBy, goAgain } from './setback.ts'
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
    if (seen.power === 'stopped') return goAgain(input, now, endedBy(row, endOfGuest(seen, now)))
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
    const found: Watched = {
      problem: review.problem,
      applicationAdopted: review.adopted,
      silentSince: silence.since,
      ssh: heard,
      ...(lastGuest ? { guest: lastGuest } : {}),
    }
    const isNewLook = lastGuest?.lookedAt === now
    if (isNewLook && lastGuest.agent === 'answering' && accessCanChange(input))
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
    const remade = [...repaired, ...reopened.map((name) => `way in ${name}`)]
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
        const repair = remade.length === 0 || !adopted ? undefined : networkRepaired(remade)
        const paused =
          seen.problem === undefined ? undefined : { type: 'guest-problem', message: seen.problem }
        const happenings = [
          repair,
          silence.happening,
          applicationHappening(before?.problem ?? null, review, row.status === 'failed'),
          row.reason === reason ? undefined : paused,
          ...(guest?.happenings ?? []),
        ].filter((happening) => happening !== undefined)
        const isNews = Object.keys(changes).length > 0 || happenings.length > 0
        // What a request that came in between kept from being written is found, and told, again.
        if (!isNews || (await writeIfCurrent(tx, row, { reason, ...changes }, now, ...happenings)))
          watched.set(row.id, found)
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

async function carriesGuest(host: Host, input: PhaseInput): Promise<boolean> {
  const { project, address, id } = placementOf(input)
  return host.network.carriesGuest(project.network_key, guestPort(host, id, address))
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

/** Whether an agent that answers has something to change, and has not refused to in this boot. */
function accessCanChange({ row, access, settings }: PhaseInput): boolean {
  return accessWaiting(access, settings) !== '' && access.refusedIn !== row.boot_id
}

/** Each instance has its own round, so that they do not all look at once. */
function isLookRound({ row, now }: PhaseInput): boolean {
  const round = Math.floor(now / (WATCH_SECONDS * SECOND)) % ROUNDS_BETWEEN_LOOKS
  return round === Number.parseInt(row.id.slice(-4), 16) % ROUNDS_BETWEEN_LOOKS
}
