import { SECOND } from '../../store/clock.ts'
import { lookAgainSeconds, type DeployPhase } from './phase.ts'

/** How long a guest has to power itself off; then its machine is switched off. */
const GRACE_SECONDS = 90

const NOTHING_RESERVED = { reserved_vcpus: 0, reserved_memory_mib: 0, reserved_gpus: 0 } as const

/** Asks the guest to power off, and switches its machine off when it does not. */
export const shutdownPhase: DeployPhase = {
  name: 'shutdown',
  label: 'Shut down guest',
  deadlineSeconds: GRACE_SECONDS + 60,
  async run(host, input) {
    const { row, now } = input
    const seen = await host.driver.observe(row.id)
    if (seen.power === 'stopped') {
      const stopped = { power_state: 'stopped', boot_id: null, running_size: null } as const
      // A reboot keeps its share of the host, or another instance could take it in between.
      return { done: row.desired_power === 'stopped' ? { ...stopped, ...NOTHING_RESERVED } : stopped }
    }
    if (now - row.phase_started_at > GRACE_SECONDS * SECOND) {
      await host.driver.ensureStopped(row.id)
      return {
        wait: `The guest did not shut down within ${GRACE_SECONDS} seconds; switching it off.`,
        seconds: 0.1,
      }
    }
    // Pressed while the guest boots it is lost, and while the guest goes down it does nothing: so, at each look.
    await host.driver.requestPowerOff(row.id)
    return { wait: 'The guest is shutting down.', seconds: lookAgainSeconds(input) }
  },
}
