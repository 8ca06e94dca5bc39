import { HostError } from '@berth/contract/host/host-error'
import type { StepOutcome } from '../engine/step.ts'
import type { InstanceLifecycle } from './instance-lifecycle.ts'
import { advance } from './deploy/decision.ts'
import { placementOf, type PhaseInput } from './deploy/phase.ts'
import { beginningOf } from './deploy/phases.ts'
import { writeIfCurrent } from './instance-writes.ts'
import { runningReason } from './machine-size.ts'
import { guestPort, projectNetwork } from './machine-spec.ts'
import { ensureSshForward } from './ssh-forward.ts'

const WATCH_SECONDS = 5

/**
 * Looks after a running guest: its network and its way in are kept up, and a guest that is no longer there
 * is started again, since the wanted state says running (reconciler rule 6).
 * @param adopted whether this process has looked after it before
 */
export async function watchStep(
  { host, store }: InstanceLifecycle,
  input: PhaseInput,
  adopted: boolean,
): Promise<StepOutcome> {
  const { row } = input
  const now = store.clock.now()
  const seen = await host.driver.observe(row.id)
  if (seen.power === 'stopped') {
    const message = 'The guest stopped on its own; starting it again.'
    const gone = { power_state: 'stopped', running_size: null, boot_id: null } as const
    const { outcome, patch } = advance(beginningOf('up'), gone, [], now)
    return {
      ...outcome,
      commit: async (tx) =>
        void (await writeIfCurrent(tx, row, { ...patch, reason: message }, now, {
          type: 'stopped',
          message,
        })),
    }
  }
  try {
    const { project, address } = placementOf(input)
    if (!adopted) {
      await host.network.ensureProject(projectNetwork(host, project))
      await host.network.ensurePort(projectNetwork(host, project), guestPort(host, row.id, address))
    }
    const reason = runningReason(row, input.settings)
    const open = await ensureSshForward(host, row, project.network_key, host.plan.address(address.number))
    return {
      next: 'wait',
      seconds: WATCH_SECONDS,
      commit: async (tx) => {
        const changes = {
          ...(open.port === row.ssh_port ? {} : { ssh_address: open.address, ssh_port: open.port }),
          ...(row.reason === reason ? {} : { reason }),
          ...(seen.report && seen.report.bootId !== row.boot_id ? { boot_id: seen.report.bootId } : {}),
        }
        if (Object.keys(changes).length > 0) await writeIfCurrent(tx, row, changes, now)
      },
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const reason = `Running, but its way in could not be opened: ${error.message} Trying again.`
    return { next: 'retry', commit: async (tx) => void (await writeIfCurrent(tx, row, { reason }, now)) }
  }
}
