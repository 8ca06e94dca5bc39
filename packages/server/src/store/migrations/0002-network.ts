import type { Kysely } from 'kysely'

/** Public addresses, the external ports of port forwards, and where an instance is reached. */
export async function network(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('public_addresses')
    .addColumn('number', 'integer', (c) => c.primaryKey())
    .addColumn('instance_id', 'text', (c) => c.notNull().unique().references('compute_instances.id'))
    .addColumn('claimed', 'integer', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('external_ports')
    .addColumn('protocol', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('instance_id', 'text', (c) => c.notNull().references('compute_instances.id'))
    .addColumn('internal_port', 'integer', (c) => c.notNull())
    .addColumn('claimed', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('external_ports_place', ['protocol', 'port'])
    .addUniqueConstraint('external_ports_forward', ['instance_id', 'protocol', 'internal_port'])
    .execute()
  await db.schema.alterTable('compute_instances').addColumn('ways_in', 'text').execute()
}
