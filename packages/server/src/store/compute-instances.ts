import type { InstanceKind } from '@berth/contract/instance-kind'
import type { Insertable, Updateable } from 'kysely'
import { behind, orderOf, pageOf, type Page, type PageRequest } from './page.ts'
import type { ComputeInstanceRow, Schema } from './schema.ts'
import type { Queryable } from './store.ts'

export async function findInstance(
  db: Queryable,
  workspaceId: string,
  kind: InstanceKind,
  name: string,
): Promise<ComputeInstanceRow | undefined> {
  return db
    .selectFrom('compute_instances')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function instanceById(db: Queryable, id: string): Promise<ComputeInstanceRow | undefined> {
  return db.selectFrom('compute_instances').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listInstances(
  db: Queryable,
  workspaceId: string,
  kind: InstanceKind,
  list: PageRequest,
): Promise<Page<ComputeInstanceRow>> {
  const { column, direction } = orderOf(list)
  const all = db
    .selectFrom('compute_instances')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
  const counted = await db
    .selectFrom('instance_counts')
    .select('count')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .executeTakeFirst()
  const { after } = list
  const found = await all
    .selectAll()
    .$if(after !== undefined, (rows) => rows.where(behind(list, after!, 'compute_instances')))
    .orderBy(column, direction)
    .orderBy('id', direction)
    .limit(list.limit + 1)
    .offset(list.offset)
    .execute()
  return pageOf(list, found, counted?.count ?? 0)
}

/** Names of what a workspace holds of a kind, at most `limit`, for a person to read. */
export async function instanceNames(
  db: Queryable,
  workspaceId: string,
  kind: InstanceKind,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('compute_instances')
    .select('name')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map((row) => row.name)
}

export async function insertInstance(
  db: Queryable,
  row: Insertable<Schema['compute_instances']>,
): Promise<ComputeInstanceRow> {
  return db.insertInto('compute_instances').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateInstance(
  db: Queryable,
  id: string,
  change: Updateable<Schema['compute_instances']>,
): Promise<ComputeInstanceRow> {
  return db
    .updateTable('compute_instances')
    .set(change)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deleteInstance(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom('compute_instances').where('id', '=', id).execute()
}

/** Lets the present phase of every instance that is on its way begin now. */
export async function beginWaitsAnew(tx: Queryable, now: number): Promise<void> {
  await tx
    .updateTable('compute_instances')
    .set({ phase_started_at: now })
    .where('status', 'in', ['submitted', 'pending', 'destroying'])
    .execute()
}

/** Every instance that has something on a host, or should have. */
export async function placedInstances(db: Queryable): Promise<Pick<ComputeInstanceRow, 'id' | 'kind'>[]> {
  return db
    .selectFrom('compute_instances')
    .select(['id', 'kind'])
    .where((where) =>
      where.or([where('deploy_generation', 'is not', null), where('delete_requested_at', 'is not', null)]),
    )
    .execute()
}

/** The instances that were made last, oldest of them first: ids rise with time. */
export async function newestInstances(
  db: Queryable,
  count: number,
): Promise<Pick<ComputeInstanceRow, 'profile' | 'steps'>[]> {
  const found = await db
    .selectFrom('compute_instances')
    .select(['profile', 'steps'])
    .orderBy('id', 'desc')
    .limit(count)
    .execute()
  return found.toReversed()
}

/** What the other instances have reserved on this host; GPUs by the model that was asked for, "" for any. */
export async function reservedByOthers(
  db: Queryable,
  id: string,
): Promise<{ vcpus: number; memoryMib: number; gpus: Readonly<Record<string, number>> }> {
  const sums = await db
    .selectFrom('compute_instances')
    .select(({ fn }) => [
      'reserved_gpu_model',
      fn.sum<number>('reserved_vcpus').as('vcpus'),
      fn.sum<number>('reserved_memory_mib').as('memoryMib'),
      fn.sum<number>('reserved_gpus').as('gpus'),
    ])
    // Nothing is reserved without memory, and the index begins with it.
    .where('reserved_memory_mib', '>', 0)
    .where('id', '!=', id)
    .groupBy('reserved_gpu_model')
    .execute()
  return {
    vcpus: sums.reduce((sum, row) => sum + row.vcpus, 0),
    memoryMib: sums.reduce((sum, row) => sum + row.memoryMib, 0),
    gpus: Object.fromEntries(sums.map((row) => [row.reserved_gpu_model, row.gpus])),
  }
}

/** Which of some places other instances have claimed for their SSH forwards, whether these are open or not. */
export async function othersSshPorts(
  db: Queryable,
  id: string,
  { address, ports }: { readonly address: string; readonly ports: readonly number[] },
): Promise<ReadonlySet<number>> {
  const rows = await db
    .selectFrom('compute_instances')
    .select('ssh_port')
    .where('ssh_address', '=', address)
    .where('ssh_port', 'in', [...ports])
    .where('id', '!=', id)
    .execute()
  return new Set(rows.flatMap((row) => row.ssh_port ?? []))
}
