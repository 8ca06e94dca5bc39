import { containerDisk } from './container-image.ts'
import { placementOf, type PhaseInput } from './deploy/phase.ts'
import type { Host } from './host.ts'
import { noteOf, sizeOf } from './machine-size.ts'
import { imageFor, machineSpec } from './machine-spec.ts'

/** Lets a guest go on that was paused, as by a full disk. One that runs, or whose QEMU does not answer, is left alone. */
export async function letGoOn(host: Host, input: PhaseInput): Promise<void> {
  const image = await imageFor(host, input.settings)
  const disk = await containerDisk(host, input.row, input.settings)
  const note = noteOf(sizeOf(input.row, input.settings))
  await host.driver.ensureRunning(machineSpec(host, placementOf(input), image, disk), note)
}
