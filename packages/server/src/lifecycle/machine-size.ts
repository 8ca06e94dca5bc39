import { canonicalGpuModel } from '@berth/contract/gpu-model'
import { unsaidSizes } from '@berth/contract/machine-size'
import { reachProblem } from '@berth/contract/application/service-reach'
import Type from 'typebox'
import Value from 'typebox/value'
import type { GuestAccess, PublishedSettings } from '../store/published-settings.ts'
import { machineFacts, type LastSize } from '../store/machine-facts.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { accessWaiting } from './guest-access.ts'
import { preparedImage, wantedImage } from './container-image.ts'

/** What a machine takes only when it starts; without the container image where its disk of them is missing. */
const MachineSize = Type.Object({
  vcpus: Type.Number(),
  memoryMib: Type.Number(),
  diskGib: Type.Number(),
  gpuCount: Type.Number(),
  /** Absent without GPUs, and where a version noted the size that did not note it. */
  gpuModel: Type.Optional(Type.String()),
  container: Type.Optional(Type.Object({ reference: Type.String(), imageId: Type.String() })),
})
type MachineSize = Type.Static<typeof MachineSize>

type Prepared = Pick<ComputeInstanceRow, 'container_image'>

/** What a machine that starts now is made of. */
export function sizeOf(row: Prepared, settings: PublishedSettings): MachineSize {
  const { vcpus, memoryMib, diskGib, gpuCount, gpuModel } = settings
  const image = wantedImage(settings) === null ? null : preparedImage(row)
  const container = image && { reference: image.reference, imageId: image.imageId }
  return {
    vcpus,
    memoryMib,
    diskGib,
    gpuCount,
    ...(gpuCount > 0 ? { gpuModel } : {}),
    ...(container ? { container } : {}),
  }
}

/** A size as text, for the row and for the host to keep with the process. */
export function noteOf(size: MachineSize): string {
  return JSON.stringify(size)
}

/** The size that a host kept with a process; null where it kept none that can be read. */
export function sizeFrom(note: string | null): MachineSize | null {
  if (note === null) return null
  try {
    const size: unknown = JSON.parse(note)
    return Value.Check(MachineSize, size) ? size : null
  } catch {
    return null
  }
}

/** What the running machine was started with; null while it does not run. */
export function startedSize({ running_size }: Pick<ComputeInstanceRow, 'running_size'>): MachineSize | null {
  return running_size === null ? null : (JSON.parse(running_size) as MachineSize)
}

/** What a machine of that size takes of its host. */
export function shareOf({ vcpus, memoryMib, gpuCount, gpuModel }: MachineSize): LastSize {
  return { vcpus, memoryMib, gpuCount, ...(gpuModel === undefined ? {} : { gpuModel }) }
}

/** What a user reads of a machine that runs: also what still waits for its next start. A disk never shrinks. */
export function runningReason(
  row: Pick<ComputeInstanceRow, 'running_size' | 'machine_facts' | 'container_image'>,
  settings: PublishedSettings,
  access: GuestAccess,
): string {
  const state =
    settings.application?.enabled === false
      ? 'Running without its application, which is switched off in its configuration.'
      : 'Running.'
  const unreached = settings.application ? reachProblem(settings, settings.application) : ''
  return [state, unreached, startWaiting(row, settings, access), unsaidSizes(settings)]
    .filter((sentence) => sentence !== '')
    .join(' ')
}

/** What of all that was published a running machine takes only at its next start; "" when there is nothing. */
export function startWaiting(
  row: Pick<ComputeInstanceRow, 'running_size' | 'machine_facts'>,
  settings: PublishedSettings,
  access: GuestAccess,
): string {
  const waiting = [sizeWaiting(row, settings), accessWaiting(access, settings)]
  return waiting.filter((sentence) => sentence !== '').join(' ')
}

/** What of a published size waits for the next start, as a sentence; "" when nothing does. */
export function sizeWaiting(
  row: Pick<ComputeInstanceRow, 'running_size' | 'machine_facts'>,
  wanted: PublishedSettings,
): string {
  const running = startedSize(row)
  if (running === null) return ''
  const changes = [
    wanted.vcpus === running.vcpus ? '' : `${wanted.vcpus} vCPUs`,
    wanted.memoryMib === running.memoryMib ? '' : `${wanted.memoryMib} MiB of memory`,
    wanted.diskGib <= running.diskGib ? '' : `a disk of ${wanted.diskGib} GiB`,
    sameGpus(running, wanted) ? '' : `${wanted.gpuCount} ${wanted.gpuModel} GPUs`.replace('  ', ' '),
  ].filter((change) => change !== '')
  if (changes.length === 0) return ''
  const size = `The new size (${changes.join(', ')})`
  const never = machineFacts(row)?.neverFits
  return never === undefined
    ? `${size} applies when it is stopped and started again.`
    : `${size} can never start here: ${never}, and publish it again.`
}

function sameGpus(running: MachineSize, { gpuCount, gpuModel }: PublishedSettings): boolean {
  if (gpuCount !== running.gpuCount || gpuCount === 0) return gpuCount === running.gpuCount
  return running.gpuModel === undefined || canonicalGpuModel(running.gpuModel) === canonicalGpuModel(gpuModel)
}
