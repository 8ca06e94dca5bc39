import { allocateExternalPort } from '../../store/external-ports.ts'
import { allocatePublicAddress } from '../../store/public-addresses.ts'
import { forwardTargets } from '../guest-network.ts'
import type { DeployPhase } from './phase.ts'

const LOOK_AGAIN_SECONDS = 2

/** Gives the instance its public address and its forwards' external ports, or waits until some are free. */
export const addressPhase: DeployPhase = {
  name: 'address',
  label: 'Assign addresses',
  deadlineSeconds: 900,
  run: async ({ plan }, { row, settings }) => ({
    decide: async (tx) => {
      if (settings.publicIp && !(await allocatePublicAddress(tx, row.id, plan.publicCapacity))) {
        const pool =
          plan.publicCapacity === 1
            ? 'The only public address'
            : `All ${plan.publicCapacity} public addresses`
        const verb = plan.publicCapacity === 1 ? 'is' : 'are'
        return { wait: `${pool} ${verb} taken; waiting for one to be freed.`, seconds: LOOK_AGAIN_SECONDS }
      }
      for (const target of forwardTargets(settings.portForwards)) {
        if (await allocateExternalPort(tx, row.id, target)) continue
        return {
          wait: 'Every external port of the edge address is taken; waiting for one to be freed.',
          seconds: LOOK_AGAIN_SECONDS,
        }
      }
      return { done: {} }
    },
  }),
}
