import type { StatusStep } from '@berth/contract/instance-status'
import { wantedImage } from '../container-image.ts'
import { startedSize } from '../machine-size.ts'
import { advance, type Decision } from './decision.ts'
import type { PhaseInput } from './phase.ts'
import { beginningOf, type Place } from './phases.ts'

/**
 * A running service that is to run another container image goes down and up again: the disk with the image
 * cannot be changed under its guest, and a service without its application is of no use to wait with. That also goes
 * for one that an earlier life of the server started, before something else was published.
 * @returns undefined where the instance can go on its way
 */
export function restartFor({ row, settings, now }: PhaseInput, place: Place): Decision | undefined {
  const wanted = wantedImage(settings)
  const running = startedSize(row)
  if (place.way === 'down' || wanted === null || running === null) return undefined
  if (running.container?.reference === wanted) return undefined
  return advance(beginningOf('down'), {}, JSON.parse(row.steps) as StatusStep[], now)
}
