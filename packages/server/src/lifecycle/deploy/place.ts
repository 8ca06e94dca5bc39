import { unsaidSizes } from '@berth/contract/machine-size'
import type { HostCapacity } from '../../drivers/machine-driver.ts'
import { reservedByOthers } from '../../store/compute-instances.ts'
import { allocateAddress } from '../../store/guest-addresses.ts'
import { sealAccess, type PublishedSettings } from '../../store/published-settings.ts'
import { gpuShare, lastSizeOf, neverFits } from '../never-fits.ts'
import type { DeployPhase, Wait } from './phase.ts'

const LOOK_AGAIN_SECONDS = 5
const DEADLINE_SECONDS = 900

/**
 * Gives the instance its share of the host and its address, or waits for room, saying how much is missing. What
 * the host could not give even if it were empty is not waited for.
 */
export const placePhase: DeployPhase = {
  name: 'place',
  label: 'Find room',
  deadlineSeconds: DEADLINE_SECONDS,
  async run(host, { row, project, settings, access, secretBox }) {
    const capacity = await host.driver.capacity()
    return {
      decide: async (tx) => {
        const never = neverFits(capacity, settings, lastSizeOf(row))
        if (never !== undefined) {
          return { fail: `There can be no room for it: ${never}, and publish it again.`, patch: {} }
        }
        const shortage = shortageOf(capacity, await reservedByOthers(tx, row.id), settings)
        if (shortage) return shortage
        const address = await allocateAddress(tx, project.id, row.id, host.plan.capacity)
        if (!address) {
          return {
            wait: `Every one of the ${host.plan.capacity - 3} addresses of the project's network is taken; waiting for one.`,
            seconds: LOOK_AGAIN_SECONDS,
          }
        }
        const detail = unsaidSizes(settings)
        return {
          done: {
            reserved_vcpus: settings.vcpus,
            reserved_memory_mib: settings.memoryMib,
            reserved_gpus: settings.gpuCount,
            reserved_gpu_model: settings.gpuModel,
            // Written before the seed is, so that it is known for good what the seed says.
            guest_access: row.guest_access ?? sealAccess(secretBox, row.id, access),
          },
          ...(detail === '' ? {} : { detail }),
        }
      },
    }
  },
}

interface Reserved {
  readonly vcpus: number
  readonly memoryMib: number
  readonly gpus: Readonly<Record<string, number>>
}

/** The first thing there is too little of now, with its figures; null when there is room. */
function shortageOf(capacity: HostCapacity, taken: Reserved, wanted: PublishedSettings): Wait | null {
  const share = gpuShare(wanted.gpuModel)
  const figures = [
    {
      what: share.what,
      total: share.sumOf(capacity.gpus),
      taken: share.sumOf(taken.gpus),
      wanted: wanted.gpuCount,
    },
    { what: 'MiB of memory', total: capacity.memoryMib, taken: taken.memoryMib, wanted: wanted.memoryMib },
    { what: 'vCPUs', total: capacity.vcpus, taken: taken.vcpus, wanted: wanted.vcpus },
  ]
  for (const { what, total, taken: used, wanted: needed } of figures) {
    const free = Math.max(0, total - used)
    if (needed <= free) continue
    const shortage = `needs ${needed} ${what}, ${free} of ${total} are free on this host`
    return {
      wait: `Waiting for room: ${shortage}.`,
      seconds: LOOK_AGAIN_SECONDS,
      tooLate:
        `No room was found within ${DEADLINE_SECONDS / 60} minutes: ${shortage}. ` +
        'Stop or delete other instances, or choose a smaller size, and publish it again.',
    }
  }
  return null
}
