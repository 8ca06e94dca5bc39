import { formatTimestamp } from '@berth/contract/timestamp'
import type { MachineObservation } from '../drivers/machine-driver.ts'
import { SECOND } from '../store/clock.ts'
import { machineFacts, type GuestSilence } from '../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { placementOf, type Patch, type PhaseInput } from './deploy/phase.ts'
import type { Host } from './host.ts'
import type { Happening } from './instance-writes.ts'
import { guestPort } from './machine-spec.ts'

/** Longer than a guest takes to restart where it does not run emulated. */
const PATIENCE_SECONDS = 60

/** What a look at a running guest found of whether anything in it still answers. */
export interface SilenceReview {
  /** Since when it has not reported, in microseconds; null while it does. */
  readonly since: number | null
  /** What to tell of it, after "Running, but"; null: nothing. */
  readonly complaint: string | null
  readonly patch: Patch
  readonly happening?: Happening
}

/** A look at a running guest. */
export interface SilenceLook {
  readonly seen: MachineObservation
  /** Since when it had not reported at the last look of this process; null: it had, or there was no such look. */
  readonly before: number | null
  /** Whether one that is known to be silent is asked again: that takes some seconds. */
  readonly isThorough: boolean
}

/**
 * Tells of a guest that answered and does not any more. While it reports, nothing else is asked; one whose programs
 * do not, though its agent or its network answers, may serve its users all the same.
 */
export async function reviewSilence(
  host: Host,
  input: PhaseInput,
  { seen, before, isThorough }: SilenceLook,
): Promise<SilenceReview> {
  const { row, now } = input
  const told = machineFacts(row)?.silence
  if (seen.report !== undefined) return told === undefined ? quiet(null) : heardAgain(row)
  const since = told?.since ?? before ?? now
  // One that is paused for a known reason is told of anyway.
  if (seen.problem !== undefined || now - since < PATIENCE_SECONDS * SECOND) return quiet(since)
  if (told !== undefined && !isThorough) return { since, complaint: complaintOf(told), patch: {} }
  const { project, address, id } = placementOf(input)
  const [look, network] = await Promise.all([
    host.driver.lookInside(row.id),
    host.network.answersArp(project.network_key, guestPort(host, id, address)),
  ])
  if (look.agent === 'answering') return told === undefined ? quiet(now) : heardAgain(row)
  const complaint = complaintOf({ since, network })
  if (told?.network === network) return { since, complaint, patch: {} }
  const message = `The guest runs, but ${complaint.replace('the guest', 'it')}`
  return {
    since,
    complaint,
    patch: factsPatch(row, { since, network }),
    ...(told === undefined ? { happening: { type: 'guest-silent', message } } : {}),
  }
}

function complaintOf({ since, network }: GuestSilence): string {
  const time = `${formatTimestamp(since).slice(0, 16).replace('T', ' ')} UTC`
  return network
    ? `the guest has not reported since ${time}; its network still answers. If it does not serve, stop it and start it again.`
    : `the guest has not answered since ${time}, nor does its network. Stop it and start it again.`
}

function quiet(since: number | null): SilenceReview {
  return { since, complaint: null, patch: {} }
}

function heardAgain(row: ComputeInstanceRow): SilenceReview {
  const happening = { type: 'guest-answers', message: 'The guest answers again.' }
  return { since: null, complaint: null, patch: factsPatch(row, undefined), happening }
}

function factsPatch(row: ComputeInstanceRow, silence: GuestSilence | undefined): Patch {
  const { silence: _, ...facts } = machineFacts(row) ?? {}
  return { machine_facts: JSON.stringify({ ...facts, ...(silence === undefined ? {} : { silence }) }) }
}
