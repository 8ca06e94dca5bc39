import type { Kysely } from 'kysely'

/** GPUs are reserved by model, so that one model's do not count against another's. */
export async function gpuModel(db: Kysely<never>): Promise<void> {
  await db.schema
    .alterTable('compute_instances')
    .addColumn('reserved_gpu_model', 'text', (c) => c.notNull().defaultTo(''))
    .execute()
}
