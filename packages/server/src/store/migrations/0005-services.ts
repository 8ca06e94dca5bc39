import { sql, type Kysely } from 'kysely'

const KEPT = [
  'id',
  'project_id',
  'workspace_id',
  'name',
  'display_name',
  'description',
  'labels',
  'annotations',
  'spec',
  'variables',
  'profile',
  'generation',
  'deploy_generation',
  'observed_generation',
  'published_settings',
  'status',
  'reason',
  'phase',
  'phase_started_at',
  'power_state',
  'desired_power',
  'steps',
  'machine_facts',
  'boot_id',
  'machine_present',
  'running_size',
  'guest_access',
  'reserved_vcpus',
  'reserved_memory_mib',
  'reserved_gpus',
  'reserved_gpu_model',
  'ssh_address',
  'ssh_port',
  'ways_in',
  'delete_requested_at',
  'created_at',
  'modified_at',
  'created_by',
  'modified_by',
]

/**
 * Services: instances of another kind, whose names are their own. SQLite cannot drop a constraint from a table,
 * so the table is made anew (sqlite.org/lang_altertable.html section 7); the migrator has switched foreign keys
 * off, and checks them before it commits.
 */
export async function services(db: Kysely<never>): Promise<void> {
  await createTable(db, 'compute_instances_new')
  const columns = sql.join(KEPT.map((name) => sql.ref(name)))
  await sql`insert into compute_instances_new (${columns}) select ${columns} from compute_instances`.execute(
    db,
  )
  await db.schema.dropTable('compute_instances').execute()
  await db.schema.alterTable('compute_instances_new').renameTo('compute_instances').execute()
  const index = (name: string) => db.schema.createIndex(`compute_instances_${name}`).on('compute_instances')
  await index('created').columns(['workspace_id', 'kind', 'created_at', 'id']).execute()
  await index('modified').columns(['workspace_id', 'kind', 'modified_at', 'id']).execute()
  await index('display_name').columns(['workspace_id', 'kind', 'display_name', 'id']).execute()
  await index('reserved').columns(['reserved_memory_mib', 'reserved_vcpus', 'reserved_gpus', 'id']).execute()
}

async function createTable(db: Kysely<never>, name: string): Promise<void> {
  await db.schema
    .createTable(name)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull().defaultTo('ComputeInstance'))
    .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
    .addColumn('workspace_id', 'text', (c) => c.notNull().references('workspaces.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('display_name', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('labels', 'text')
    .addColumn('annotations', 'text')
    .addColumn('spec', 'text', (c) => c.notNull())
    .addColumn('variables', 'text', (c) => c.notNull())
    .addColumn('profile', 'text', (c) => c.notNull())
    .addColumn('generation', 'integer', (c) => c.notNull())
    .addColumn('deploy_generation', 'integer')
    .addColumn('observed_generation', 'integer')
    .addColumn('published_settings', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('phase', 'text', (c) => c.notNull())
    .addColumn('phase_started_at', 'bigint', (c) => c.notNull())
    .addColumn('power_state', 'text', (c) => c.notNull())
    .addColumn('desired_power', 'text', (c) => c.notNull())
    .addColumn('steps', 'text', (c) => c.notNull())
    .addColumn('machine_facts', 'text')
    .addColumn('boot_id', 'text')
    .addColumn('machine_present', 'integer', (c) => c.notNull())
    .addColumn('running_size', 'text')
    .addColumn('guest_access', 'text')
    .addColumn('container_image', 'text')
    .addColumn('certificate', 'text')
    .addColumn('reserved_vcpus', 'integer', (c) => c.notNull())
    .addColumn('reserved_memory_mib', 'integer', (c) => c.notNull())
    .addColumn('reserved_gpus', 'integer', (c) => c.notNull())
    .addColumn('reserved_gpu_model', 'text', (c) => c.notNull().defaultTo(''))
    .addColumn('ssh_address', 'text')
    .addColumn('ssh_port', 'integer')
    .addColumn('ways_in', 'text')
    .addColumn('delete_requested_at', 'bigint')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('modified_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('modified_by', 'text', (c) => c.notNull())
    .addUniqueConstraint('compute_instances_name', ['workspace_id', 'kind', 'name'])
    .addUniqueConstraint('compute_instances_ssh', ['ssh_address', 'ssh_port'])
    .execute()
}
