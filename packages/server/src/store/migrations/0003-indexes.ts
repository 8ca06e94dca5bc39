import type { Kysely } from 'kysely'

/**
 * What tables of many instances need: every order of a list straight from an index, and the sum of what is
 * reserved without reading a row.
 */
export async function indexes(db: Kysely<never>): Promise<void> {
  const on = (name: string) => db.schema.createIndex(`compute_instances_${name}`).on('compute_instances')
  await on('modified').columns(['workspace_id', 'modified_at', 'id']).execute()
  await on('display_name').columns(['workspace_id', 'display_name', 'id']).execute()
  await on('reserved').columns(['reserved_memory_mib', 'reserved_vcpus', 'reserved_gpus', 'id']).execute()
}
