import { firstFree } from './first-free.ts'
import type { ExternalPortRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** Below Linux's ephemeral ports, so that no outgoing connection of the host holds one by chance. */
const FIRST_PORT = 30_000
const PORTS = 2_700

/** What a port forward leads to: forwards that agree in this share an external port. */
export interface ForwardTarget {
  readonly protocol: 'tcp' | 'udp'
  readonly internalPort: number
}

/**
 * Gives one of an instance's port forwards an external port; one that has its own keeps it.
 * @returns undefined when every port is taken
 */
export async function allocateExternalPort(
  tx: Queryable,
  instanceId: string,
  { protocol, internalPort }: ForwardTarget,
): Promise<ExternalPortRow | undefined> {
  const rows = await externalPortsOf(tx, instanceId)
  const existing = rows.find((row) => row.protocol === protocol && row.internal_port === internalPort)
  if (existing) return existing
  const port = await freePort(tx, protocol, `${instanceId}/${protocol}/${internalPort}`)
  if (port === undefined) return undefined
  return tx
    .insertInto('external_ports')
    .values({ protocol, port, instance_id: instanceId, internal_port: internalPort, claimed: 0 })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Gives a forward another external port in place of one that somebody else on the host has. */
export async function moveExternalPort(tx: Queryable, row: ExternalPortRow): Promise<void> {
  const port = await freePort(tx, row.protocol, row.port - FIRST_PORT + 1)
  if (port === undefined) return
  await tx
    .updateTable('external_ports')
    .set({ port, claimed: 0 })
    .where('protocol', '=', row.protocol)
    .where('port', '=', row.port)
    .execute()
}

export async function externalPortsOf(db: Queryable, instanceId: string): Promise<ExternalPortRow[]> {
  return db
    .selectFrom('external_ports')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy('protocol')
    .orderBy('port')
    .execute()
}

/** From now on the port is the forward's for good: it listens there. */
export async function claimExternalPort(tx: Queryable, row: ExternalPortRow): Promise<void> {
  await tx
    .updateTable('external_ports')
    .set({ claimed: 1 })
    .where('protocol', '=', row.protocol)
    .where('port', '=', row.port)
    .execute()
}

export async function releaseExternalPort(tx: Queryable, row: ExternalPortRow): Promise<void> {
  await tx
    .deleteFrom('external_ports')
    .where('protocol', '=', row.protocol)
    .where('port', '=', row.port)
    .where('instance_id', '=', row.instance_id)
    .execute()
}

async function freePort(
  tx: Queryable,
  protocol: 'tcp' | 'udp',
  from: number | string,
): Promise<number | undefined> {
  const taken = await tx
    .selectFrom('external_ports')
    .select('port')
    .where('protocol', '=', protocol)
    .execute()
  const offset = firstFree(new Set(taken.map(({ port }) => port - FIRST_PORT)), PORTS, from)
  return offset === undefined ? undefined : FIRST_PORT + offset
}
