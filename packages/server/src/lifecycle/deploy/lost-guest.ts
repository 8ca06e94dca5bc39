import type { StatusStep } from '@berth/contract/instance-status'
import { HostError } from '@berth/contract/host/host-error'
import type { Host } from '../host.ts'
import { endOfGuest, observeGuest } from '../observe-guest.ts'
import { stoppedMachine } from '../stopped-machine.ts'
import { advance, decisionOf, type Decision } from './decision.ts'
import type { PhaseInput } from './phase.ts'
import { beginningOf, type Place } from './phases.ts'

/**
 * What follows when a phase that needs a guest which is up has failed because the guest has ended: a running one
 * that was to be changed is started again, one that was just started has failed.
 * @returns undefined while the guest runs
 */
export async function lostGuest(
  host: Host,
  input: PhaseInput,
  place: Place,
  now: number,
): Promise<Decision | undefined> {
  const { row } = input
  if (row.boot_id === null || place.way === 'down') return undefined
  const seen = await observeGuest(host, row.id).catch(() => null)
  if (seen?.power !== 'stopped') return undefined
  if (place.way === 'change') {
    const message = endOfGuest(seen, now)
    const decision = advance(
      beginningOf('up'),
      stoppedMachine(row),
      JSON.parse(row.steps) as StatusStep[],
      now,
    )
    return { ...decision, happening: { type: 'stopped', message } }
  }
  const ended = new HostError(
    `${seen.problem ?? 'The guest stopped on its own while it was set up.'} Publish it again to start it again.`,
    { retryable: false },
  )
  const decision = decisionOf(input, place, ended, 0, now)
  return { ...decision, patch: { ...decision.patch, ...stoppedMachine(row) } }
}
