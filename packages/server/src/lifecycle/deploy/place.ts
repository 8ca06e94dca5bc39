import { canonicalGpuModel } from '@berth/contract/gpu-model'
import { unsaidSizes } from '@berth/contract/machine-size'
import type { HostCapacity } from '../../drivers/machine-driver.ts'
import { reservedByOthers } from '../../store/compute-instances.ts'
import { allocateAddress } from '../../store/guest-addresses.ts'
import { sealAccess, type PublishedSettings } from '../../store/published-settings.ts'
import type { DeployPhase, Failed, Wait } from './phase.ts'

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
        // What ran like this before did fit: the host has lost something, and may have it back.
        const fitted = row.observed_generation === row.deploy_generation
        const shortage = shortageOf(capacity, await reservedByOthers(tx, row.id), settings, fitted)
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

/** The first thing there is too little of, with its figures, for now or for ever; null when there is room. */
function shortageOf(
  capacity: HostCapacity,
  taken: Reserved,
  wanted: PublishedSettings,
  fitted: boolean,
): Wait | Failed | null {
  const model = canonicalGpuModel(wanted.gpuModel)
  // One that asked for any model may have taken of this one.
  const counts = (other: string) => model === '' || other === '' || canonicalGpuModel(other) === model
  const sumOf = (byModel: Readonly<Record<string, number>>) =>
    Object.entries(byModel).reduce((sum, [other, count]) => sum + (counts(other) ? count : 0), 0)
  const gpus = model === '' ? 'GPUs' : `${wanted.gpuModel} GPUs`
  const figures = [
    { what: gpus, total: sumOf(capacity.gpus), taken: sumOf(taken.gpus), wanted: wanted.gpuCount },
    { what: 'MiB of memory', total: capacity.memoryMib, taken: taken.memoryMib, wanted: wanted.memoryMib },
    { what: 'vCPUs', total: capacity.vcpus, taken: taken.vcpus, wanted: wanted.vcpus },
  ]
  const never = fitted ? undefined : figures.find(({ total, wanted: needed }) => needed > total)
  if (never) {
    const others = never.what === gpus ? otherModels(capacity, counts) : ''
    return {
      fail:
        `There can be no room for it: it needs ${never.wanted} ${never.what}, and this host has ${never.total} in all${others}. ` +
        `Choose ${never.what === gpus ? 'other GPUs or fewer' : 'a smaller size'}, and publish it again.`,
      patch: {},
    }
  }
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

/** The GPUs that the host has beside those that are asked for, in brackets; "" when it has none. */
function otherModels({ gpus }: HostCapacity, counts: (model: string) => boolean): string {
  const others = Object.entries(gpus).filter(([model, count]) => count > 0 && !counts(model))
  if (others.length === 0) return ''
  return ` (it has ${others.map(([model, count]) => `${count} ${model}`).join(', ')})`
}
