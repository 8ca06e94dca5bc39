import type { InstanceKind } from '@berth/contract/instance-kind'
import type { Queryable } from './store.ts'

/** How many instances of each kind have each status. */
export async function instancesByStatus(
  db: Queryable,
): Promise<{ kind: InstanceKind; status: string; count: number }[]> {
  return db
    .selectFrom('compute_instances')
    .select(({ fn }) => ['kind', 'status', fn.countAll<number>().as('count')])
    .groupBy(['kind', 'status'])
    .execute()
}

/** How many machines that are on a host have each power state, as last observed. */
export async function machinesByPower(db: Queryable): Promise<{ power: string; count: number }[]> {
  return db
    .selectFrom('compute_instances')
    .select(({ fn }) => ['power_state as power', fn.countAll<number>().as('count')])
    .where('machine_present', '=', 1)
    .groupBy('power_state')
    .execute()
}
