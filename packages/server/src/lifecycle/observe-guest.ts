import { formatTimestamp } from '@berth/contract/timestamp'
import type { MachineObservation } from '../drivers/machine-driver.ts'
import type { Host } from './host.ts'

/**
 * Looks at a guest. Of one that has ended although its process goes on (its kernel panicked, its system was halted),
 * the process is ended as well: it holds memory and the disk for nobody.
 */
export async function observeGuest(host: Host, id: string): Promise<MachineObservation> {
  const seen = await host.driver.observe(id)
  if (seen.power === 'stopped' && seen.problem !== undefined) await host.driver.ensureStopped(id)
  return seen
}

/**
 * What a tenant reads of a guest that ended by itself and is started again.
 * @param now microseconds
 */
export function endOfGuest({ problem }: MachineObservation, now: number): string {
  if (problem === undefined) return 'The guest stopped on its own; starting it again.'
  const time = formatTimestamp(now).slice(11, 19)
  return `${problem.replace(/\.$/, '')} (seen at ${time} UTC); starting it again.`
}
