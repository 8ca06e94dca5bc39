import { sql, type Kysely } from 'kysely'

/**
 * What is read in every step, request and scrape comes straight from an index, whatever the tables hold; and how many
 * instances a workspace has is written down, since counting them costs more than showing a page of them.
 */
export async function hotPaths(db: Kysely<never>): Promise<void> {
  await workItems(db)
  await computeInstances(db)
  await db.schema.createIndex('projects_named').on('projects').column('name').execute()
  for (const column of ['created_at', 'modified_at', 'display_name'])
    await db.schema
      .createIndex(`workspaces_${column}`)
      .on('workspaces')
      .columns(['project_id', column, 'id'])
      .execute()
  await counts(db)
}

async function workItems(db: Kysely<never>): Promise<void> {
  const on = (name: string) => db.schema.createIndex(`work_items_${name}`).on('work_items')
  await on('held').columns(['leased_until', 'wake_at']).execute()
  await on('began').column('began_at').where(sql.ref('began_at'), 'is not', null).execute()
  await on('late').column('late_since').where(sql.ref('late_since'), 'is not', null).execute()
}

async function computeInstances(db: Kysely<never>): Promise<void> {
  const on = (name: string) => db.schema.createIndex(`compute_instances_${name}`).on('compute_instances')
  await on('named').column('name').execute()
  await on('status').columns(['status', 'kind']).execute()
  await on('power').columns(['machine_present', 'power_state']).execute()
  await db.schema.dropIndex('compute_instances_reserved').execute()
  await on('reserved')
    .columns(['reserved_memory_mib', 'reserved_gpu_model', 'reserved_vcpus', 'reserved_gpus', 'id'])
    .execute()
  await db.schema.alterTable('compute_instances').addColumn('shown_settings', 'text').execute()
  // Used by queries that say the same in the same words (sqlite.org/partialindex.html section 3).
  await sql`CREATE INDEX compute_instances_placed ON compute_instances (id, kind, deploy_generation, delete_requested_at)
    WHERE deploy_generation IS NOT NULL OR delete_requested_at IS NOT NULL`.execute(db)
  await sql`CREATE INDEX compute_instances_troubled ON compute_instances (kind)
    WHERE status = 'success' AND reason >= 'Running, but ' AND reason < 'Running, but!'`.execute(db)
  await sql`CREATE INDEX compute_instances_unshown ON compute_instances (id)
    WHERE published_settings IS NOT NULL AND shown_settings IS NULL`.execute(db)
}

/** Kept by the database itself, in the statement that makes or removes an instance: no writer can forget it. */
async function counts(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('instance_counts')
    .addColumn('workspace_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('count', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('instance_counts_of', ['workspace_id', 'kind'])
    .execute()
  await sql`INSERT INTO instance_counts (workspace_id, kind, count)
    SELECT workspace_id, kind, count(*) FROM compute_instances GROUP BY workspace_id, kind`.execute(db)
  await sql`CREATE TRIGGER compute_instances_counted AFTER INSERT ON compute_instances BEGIN
    INSERT INTO instance_counts (workspace_id, kind, count) VALUES (new.workspace_id, new.kind, 1)
    ON CONFLICT (workspace_id, kind) DO UPDATE SET count = count + 1;
  END`.execute(db)
  await sql`CREATE TRIGGER compute_instances_discounted AFTER DELETE ON compute_instances BEGIN
    UPDATE instance_counts SET count = count - 1 WHERE workspace_id = old.workspace_id AND kind = old.kind;
  END`.execute(db)
}
