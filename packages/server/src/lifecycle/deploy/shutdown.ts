import type { MachineObservation } from '../../drivers/machine-driver.ts'
import { SECOND } from '../../store/clock.ts'
import { machineFacts } from '../../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import { observeGuest } from '../observe-guest.ts'
import { stoppedMachine } from '../stopped-machine.ts'
import { lookAgainSeconds, type DeployPhase } from './phase.ts'

/** How long a guest has to power itself off; then its machine is switched off. */
const GRACE_SECONDS = 90
/**
 * One that does not answer any more has that long, or what is left of the time since it last did: so one that just
 * boots has all of its time from its start, and one that hangs at its boot keeps nobody waiting.
 */
const SILENT_GRACE_SECONDS = 10

const NOTHING_RESERVED = { reserved_vcpus: 0, reserved_memory_mib: 0, reserved_gpus: 0 } as const

/** Asks the guest to power off, and switches its machine off when it does not. */
export const shutdownPhase: DeployPhase = {
  name: 'shutdown',
  label: 'Shut down guest',
  deadlineSeconds: GRACE_SECONDS + 60,
  async run(host, input) {
    const { row, now } = input
    const seen = await observeGuest(host, row.id)
    if (seen.power === 'stopped') {
      const stopped = stoppedMachine(row)
      // A reboot keeps its share of the host, or another instance could take it in between.
      return { done: row.desired_power === 'stopped' ? { ...stopped, ...NOTHING_RESERVED } : stopped }
    }
    const graceSeconds = graceOf(row, seen)
    if (now - row.phase_started_at > graceSeconds * SECOND) {
      await host.driver.ensureStopped(row.id)
      return {
        wait: `The guest did not shut down within ${graceSeconds} seconds; switching it off.`,
        seconds: 0.1,
      }
    }
    // Pressed while the guest boots it is lost, and while the guest goes down it does nothing: so, at each look.
    await host.driver.requestPowerOff(row.id)
    return { wait: 'The guest is shutting down.', seconds: lookAgainSeconds(input) }
  },
}

/** @returns seconds */
function graceOf(row: ComputeInstanceRow, seen: MachineObservation): number {
  const { silence, startedAt } = machineFacts(row) ?? {}
  const neverHeard = row.boot_id === null && seen.report === undefined
  const silentSince = silence?.since ?? (neverHeard ? startedAt : undefined)
  if (silentSince === undefined) return GRACE_SECONDS
  const silentFor = Math.floor((row.phase_started_at - silentSince) / SECOND)
  return Math.min(GRACE_SECONDS, Math.max(SILENT_GRACE_SECONDS, GRACE_SECONDS - silentFor))
}
