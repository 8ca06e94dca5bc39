import type { NetworkPlan } from '../lifecycle/network-plan.ts'
import { locatedInstances, pathOf } from '../store/located-instances.ts'
import { beyondPublicPool } from '../store/public-addresses.ts'
import type { Queryable } from '../store/store.ts'
import { ConfigError, type Config } from './config.ts'

/** How many instances are named one by one. */
const NAMED = 5

/**
 * Refuses a public pool that has become too small for the addresses that instances hold: they would get addresses
 * beyond its end, which are somebody else's.
 * @throws ConfigError naming the instances and what to do
 */
export async function refuseSmallerPool(
  db: Queryable,
  { publicPool }: Pick<Config, 'publicPool'>,
  { publicCapacity }: NetworkPlan,
): Promise<void> {
  const ids = await beyondPublicPool(db, publicCapacity)
  if (ids.length === 0) return
  const named = await Promise.all(
    ids.slice(0, NAMED).map(async (id) => (await locatedInstances(db, { named: id })).map(pathOf)),
  )
  const names = named.flat()
  if (ids.length > NAMED) names.push(`${ids.length - NAMED} more`)
  const size = publicCapacity === 1 ? '1 address' : `${publicCapacity} addresses`
  throw new ConfigError(
    `publicPool: ${publicPool} has ${size}, and instances hold some beyond its end: ${names.join(', ')}. ` +
      'Configure the former pool, or a larger one; to make it smaller, first publish these without a public address or delete them.',
  )
}
