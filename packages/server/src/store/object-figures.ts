import type { InstanceKind } from '@berth/contract/instance-kind'
import { sql } from 'kysely'
import type { Queryable } from './store.ts'

/** How many instances of each kind have each status. */
export async function instancesByStatus(
  db: Queryable,
): Promise<{ kind: InstanceKind; status: string; count: number }[]> {
  return db
    .selectFrom('compute_instances')
    .select(({ fn }) => ['kind', 'status', fn.countAll<number>().as('count')])
    .groupBy(['status', 'kind'])
    .execute()
}

/** How many running instances of each kind tell of a problem in their reason. */
export async function troubledByKind(db: Queryable): Promise<{ kind: InstanceKind; count: number }[]> {
  return (
    db
      .selectFrom('compute_instances')
      .select(({ fn }) => ['kind', fn.countAll<number>().as('count')])
      // In the words of the index that holds just these.
      .where(sql<boolean>`status = 'success' AND reason >= 'Running, but ' AND reason < 'Running, but!'`)
      .groupBy('kind')
      .execute()
  )
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
