import type { HostError } from '@berth/contract/host/host-error'
import type { StatusStep } from '@berth/contract/instance-status'
import type { StepContext, StepOutcome } from '../engine/step.ts'
import { SECOND } from '../store/clock.ts'
import { deleteInstance } from '../store/compute-instances.ts'
import { externalPortsOf, releaseExternalPort } from '../store/external-ports.ts'
import { othersOnNetwork, releaseAddress } from '../store/guest-addresses.ts'
import { releasePublicAddress } from '../store/public-addresses.ts'
import { recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow, GuestAddressRow, ProjectRow } from '../store/schema.ts'
import type { InstanceLifecycle } from './instance-lifecycle.ts'
import { writeIfCurrent } from './instance-writes.ts'
import { guestPort, projectNetwork } from './machine-spec.ts'
import { sshForwardId } from './ssh-forward.ts'
import { beginStep, endStep } from './timeline.ts'
import { asHostError, faultOf } from './unforeseen.ts'

const DEADLINE_SECONDS = 600
const SLOW_RETRY_SECONDS = 60
/** The step's name in `status.steps`. */
export const REMOVAL = 'Remove machine'

interface DestroyInput {
  readonly row: ComputeInstanceRow
  readonly project: ProjectRow
  readonly address: GuestAddressRow | undefined
}

/**
 * Removes everything that an instance has on the host, then its rows. Past the deadline it says
 * destroyfailed and goes on trying, slowly (design "Status").
 */
export async function destroyStep(
  lifecycle: InstanceLifecycle,
  context: StepContext,
  input: DestroyInput,
): Promise<StepOutcome> {
  const { row } = input
  try {
    await removeFromHost(lifecycle, input)
  } catch (error) {
    const failure = asHostError(error)
    return { ...afterFailure(lifecycle, context, row, failure), ...faultOf(failure) }
  }
  return {
    next: 'gone',
    commit: async (tx) => {
      await releasePublicAddress(tx, row.id)
      for (const port of await externalPortsOf(tx, row.id)) await releaseExternalPort(tx, port)
      await deleteInstance(tx, row.id)
      await recordEvent(tx, lifecycle.store.clock.now(), subjectOf(row), 'deleted', 'Deleted.')
    },
  }
}

/** Ways in first, then the machine, then its place on the network; the last guest takes the network along. */
async function removeFromHost(
  { host, store }: InstanceLifecycle,
  { row, project, address }: DestroyInput,
): Promise<void> {
  for (const { id } of await host.network.forwardsOf(row.id)) await host.network.removeForward(id)
  await host.network.removeForward(sshForwardId(row.id))
  await host.driver.remove(row.id)
  await host.projectLocks.run(project.network_key, async () => {
    if (address)
      await host.network.removePort(projectNetwork(host, project), guestPort(host, row.id, address))
    // Given back before the others are counted, or the last two to go would each see the other still there.
    await store.transaction((tx) => releaseAddress(tx, row.id))
    const others = await othersOnNetwork(store.db, project.id, row.id)
    if (others === 0) await host.network.removeProject(project.network_key)
  })
  await host.network.shutdownIdle()
}

function afterFailure(
  { store }: InstanceLifecycle,
  context: StepContext,
  row: ComputeInstanceRow,
  error: HostError,
): StepOutcome {
  const now = store.clock.now()
  const deadlineAt = row.phase_started_at + DEADLINE_SECONDS * SECOND
  const steps = beginStep(JSON.parse(row.steps) as StatusStep[], REMOVAL, row.phase_started_at, error.message)
  if (now < deadlineAt) {
    const reason = `${error.message} Trying again (attempt ${context.attempt + 2}).`
    const patch = { reason, steps: JSON.stringify(steps) }
    return {
      next: 'retry',
      deadlineAt,
      commit: async (tx) => void (await writeIfCurrent(tx, row, patch, now)),
    }
  }
  const reason = `${error.message} Deleting goes on being tried once a minute; DELETE again tries at once.`
  const patch = {
    status: 'destroyfailed',
    reason,
    steps: JSON.stringify(endStep(steps, 'failed', now, error.message)),
  }
  const happening =
    row.status === 'destroyfailed' ? undefined : { type: 'destroyfailed', message: error.message }
  return {
    next: 'wait',
    seconds: SLOW_RETRY_SECONDS,
    commit: async (tx) => void (await writeIfCurrent(tx, row, patch, now, happening)),
  }
}
