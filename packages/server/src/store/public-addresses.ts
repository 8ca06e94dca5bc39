import { firstFree } from './first-free.ts'
import type { PublicAddressRow } from './schema.ts'
import type { Queryable } from './store.ts'

/**
 * Gives an instance an address of the public pool; one that has its own keeps it.
 * @param capacity how many addresses the pool has
 * @returns undefined when every address is taken
 */
export async function allocatePublicAddress(
  tx: Queryable,
  instanceId: string,
  capacity: number,
): Promise<PublicAddressRow | undefined> {
  const existing = await publicAddressOf(tx, instanceId)
  if (existing && existing.number < capacity) return existing
  await releasePublicAddress(tx, instanceId)
  const number = await freeNumber(tx, instanceId, capacity, 0)
  if (number === undefined) return undefined
  return tx
    .insertInto('public_addresses')
    .values({ number, instance_id: instanceId, claimed: 0 })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Gives an instance another address in place of one that somebody else on the host has; none if there is none. */
export async function movePublicAddress(
  tx: Queryable,
  row: PublicAddressRow,
  capacity: number,
): Promise<void> {
  const number = await freeNumber(tx, row.instance_id, capacity, row.number + 1)
  if (number === undefined) return
  await tx
    .updateTable('public_addresses')
    .set({ number, claimed: 0 })
    .where('instance_id', '=', row.instance_id)
    .execute()
}

export async function publicAddressOf(
  db: Queryable,
  instanceId: string,
): Promise<PublicAddressRow | undefined> {
  return db
    .selectFrom('public_addresses')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .executeTakeFirst()
}

/** Ids of the instances whose address is beyond the end of a pool of so many, the smallest number first. */
export async function beyondPublicPool(db: Queryable, capacity: number): Promise<string[]> {
  const rows = await db
    .selectFrom('public_addresses')
    .select('instance_id')
    .where('number', '>=', capacity)
    .orderBy('number')
    .execute()
  return rows.map((row) => row.instance_id)
}

/** From now on the address is the instance's for good: it listens there. */
export async function claimPublicAddress(tx: Queryable, instanceId: string): Promise<void> {
  await tx.updateTable('public_addresses').set({ claimed: 1 }).where('instance_id', '=', instanceId).execute()
}

export async function releasePublicAddress(tx: Queryable, instanceId: string): Promise<void> {
  await tx.deleteFrom('public_addresses').where('instance_id', '=', instanceId).execute()
}

/** @param from where to begin; 0: where the instance's id says, so that installations seldom meet */
async function freeNumber(
  tx: Queryable,
  instanceId: string,
  capacity: number,
  from: number,
): Promise<number | undefined> {
  const taken = await tx.selectFrom('public_addresses').select('number').execute()
  return firstFree(new Set(taken.map(({ number }) => number)), capacity, from || instanceId)
}
