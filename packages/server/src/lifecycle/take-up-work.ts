import { beginWaitsAnew, placedInstances } from '../store/compute-instances.ts'
import type { Tx } from '../store/store.ts'
import { releaseAll, wake } from '../store/work-items.ts'

/**
 * What a server does before its first step: whatever was under way when the last one ended goes on now, and every
 * instance that has something on the host is looked after. A wait has all of its time again, since nobody worked on it
 * while no server ran, and the clock may have been set meanwhile.
 * @param now microseconds
 */
export async function takeUpWork(tx: Tx, now: number): Promise<void> {
  await releaseAll(tx, now)
  await beginWaitsAnew(tx, now)
  for (const { kind, id } of await placedInstances(tx)) await wake(tx, kind, id, now)
}
