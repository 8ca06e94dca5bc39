import { randomBytes } from 'node:crypto'
import type { GuestAddressRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** The network's own address and the gateway's come first. */
const FIRST_NUMBER = 2

/**
 * Gives an instance the lowest free address of its project's network; one that has its own keeps it.
 * @param capacity how many addresses the network has, its broadcast address included
 * @returns undefined when every address is taken
 */
export async function allocateAddress(
  tx: Queryable,
  projectId: string,
  instanceId: string,
  capacity: number,
): Promise<GuestAddressRow | undefined> {
  const existing = await addressOf(tx, instanceId)
  if (existing) return existing
  const taken = await tx
    .selectFrom('guest_addresses')
    .select('number')
    .where('project_id', '=', projectId)
    .orderBy('number')
    .execute()
  let number = FIRST_NUMBER
  for (const row of taken) {
    if (row.number > number) break
    number = row.number + 1
  }
  if (number >= capacity - 1) return undefined
  return tx
    .insertInto('guest_addresses')
    .values({ project_id: projectId, number, instance_id: instanceId, mac: randomMac() })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function addressOf(db: Queryable, instanceId: string): Promise<GuestAddressRow | undefined> {
  return db.selectFrom('guest_addresses').selectAll().where('instance_id', '=', instanceId).executeTakeFirst()
}

export async function releaseAddress(tx: Queryable, instanceId: string): Promise<void> {
  await tx.deleteFrom('guest_addresses').where('instance_id', '=', instanceId).execute()
}

/** How many instances of the project, besides this one, have an address: a place on its network. */
export async function othersOnNetwork(db: Queryable, projectId: string, instanceId: string): Promise<number> {
  const { total } = await db
    .selectFrom('guest_addresses')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('project_id', '=', projectId)
    .where('instance_id', '!=', instanceId)
    .executeTakeFirstOrThrow()
  return total
}

/** A locally administered unicast address (IEEE 802): its first byte ends in binary 10. */
function randomMac(): string {
  const bytes = [0x02, 0xbe, ...randomBytes(4)]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}
