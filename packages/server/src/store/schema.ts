import type { InstanceKind } from '@berth/contract/instance-kind'
import type { Generated, Selectable } from 'kysely'

/**
 * The tables. Times are integer microseconds since 1970, booleans 0 or 1, structured values JSON text,
 * so that a second SQL dialect can hold the same rows.
 */
export interface Schema {
  installation: InstallationTable
  organizations: OrganizationsTable
  projects: ProjectsTable
  workspaces: WorkspacesTable
  profiles: ProfilesTable
  api_keys: ApiKeysTable
  compute_instances: ComputeInstancesTable
  instance_counts: InstanceCountsTable
  guest_addresses: GuestAddressesTable
  public_addresses: PublicAddressesTable
  external_ports: ExternalPortsTable
  work_items: WorkItemsTable
  events: EventsTable
  audit_records: AuditRecordsTable
  kysely_migration: MigrationsTable
}

/** Kysely's own: the migrations that the database has had. */
interface MigrationsTable {
  name: string
}

/** One row: what this installation is. */
interface InstallationTable {
  id: string
  created_at: number
  /** The root that signs services' certificates, PEM; null until it is made. */
  ca_certificate: string | null
  /** Its private key, sealed. */
  ca_key: string | null
}

interface OrganizationsTable {
  id: string
  name: string
  created_at: number
}

interface ProjectsTable {
  id: string
  organization_id: string
  name: string
  description: string
  /** Names the project's network on a host; `[a-z0-9]{7}`. */
  network_key: string
  /** From 1, another for every project of the installation. */
  number: number
  created_at: number
  modified_at: number
}

interface WorkspacesTable {
  id: string
  project_id: string
  name: string
  display_name: string
  description: string
  labels: string | null
  annotations: string | null
  spec: string | null
  created_at: number
  modified_at: number
  created_by: string
  modified_by: string
}

interface ProfilesTable {
  id: string
  project_id: string
  kind: 'ComputeProfile' | 'ServiceProfile'
  name: string
  display_name: string
  description: string
  labels: string | null
  annotations: string | null
  spec: string
  created_at: number
  modified_at: number
  created_by: string
  modified_by: string
}

interface ApiKeysTable {
  /** The public id inside the key. */
  id: string
  /** sha256 of the whole key, hex. */
  hash: string
  organization_id: string
  role: 'operator' | 'reader'
  username: string
  user_id: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

/** Compute instances and services: whatever runs on a machine of its own. */
interface ComputeInstancesTable {
  id: string
  /** Names are unique within a workspace and kind. */
  kind: InstanceKind
  project_id: string
  workspace_id: string
  name: string
  display_name: string
  description: string
  labels: string | null
  annotations: string | null
  /** The spec as applied, without variables. */
  spec: string
  /** The object's own variables; the secret ones sealed. */
  variables: string
  /** The profile as it was at the last apply. */
  profile: string
  generation: number
  /** The generation that publish asked for; null before the first publish. */
  deploy_generation: number | null
  /** The deploy generation that the guest last reached. */
  observed_generation: number | null
  /** The settings as published, secrets and all, sealed: what the reconciler works towards. */
  published_settings: string | null
  /** What anybody may see of them, in the clear; JSON. Null where a Berth from before it published, until a start. */
  shown_settings: Generated<string | null>
  status: string
  reason: string
  /** Where the state machine stands: `way:phase`, or run, off, idle. */
  phase: string
  /** AT_ONCE: with the next step. */
  phase_started_at: number
  power_state: 'running' | 'stopped' | 'unknown'
  desired_power: 'running' | 'stopped'
  steps: string
  /** What is known of the deployed guest: address, osName, user; JSON. */
  machine_facts: string | null
  /** The boot that the guest last reported; null until it is up. */
  boot_id: string | null
  machine_present: number
  /** What the running machine was started with: vcpus, memoryMib, gpuCount; JSON. Null while it does not run. */
  running_size: string | null
  /** The password and the keys that the guest was last given, sealed; null before its first boot. */
  guest_access: string | null
  /** The container image that a service's guest was given: reference, digest, imageId; JSON. */
  container_image: string | null
  /** The certificate that a service answers with, PEM. */
  certificate: string | null
  reserved_vcpus: number
  reserved_memory_mib: number
  reserved_gpus: number
  /** The model that was asked for; "" for any. */
  reserved_gpu_model: Generated<string>
  /** Where SSH answers on the host, once claimed. */
  ssh_address: string | null
  ssh_port: number | null
  /** Where the instance is reached from outside, once it is: public address, forwards; JSON. */
  ways_in: string | null
  delete_requested_at: number | null
  created_at: number
  modified_at: number
  created_by: string
  modified_by: string
}

/** How many instances of a kind a workspace has; kept by triggers. */
interface InstanceCountsTable {
  workspace_id: string
  kind: InstanceKind
  count: number
}

interface GuestAddressesTable {
  project_id: string
  /** Offset of the address in the project's network. */
  number: number
  instance_id: string
  mac: string
}

interface PublicAddressesTable {
  /** Offset of the address in the public pool. */
  number: number
  instance_id: string
  /** 1 once the instance has listened there; until then it may be moved to another. */
  claimed: number
}

interface ExternalPortsTable {
  protocol: 'tcp' | 'udp'
  /** On the edge address. */
  port: number
  instance_id: string
  internal_port: number
  /** 1 once the forward has listened there; until then it may be moved to another. */
  claimed: number
}

interface WorkItemsTable {
  kind: string
  object_id: string
  /** When the next step is due; null: nothing to do. */
  wake_at: number | null
  /** Grows with each wake-up, so that one that comes during a step is not lost. */
  wake_count: Generated<number>
  /** The fencing token: grows with each claim. */
  lease_token: Generated<number>
  leased_until: number | null
  attempt: Generated<number>
  /** When what is waited for should have happened; null while nothing is waited for. */
  deadline_at: number | null
  /** When the step that holds the lease began; null while nobody does. */
  began_at: number | null
  /** Since when a server has known that the step is late; null: it is not. */
  late_since: number | null
}

interface EventsTable {
  sequence: Generated<number>
  at: number
  project_id: string | null
  object_kind: string
  object_id: string
  object_name: string
  type: string
  message: string
}

interface AuditRecordsTable {
  sequence: Generated<number>
  at: number
  request_id: string
  key_id: string
  username: string
  source_ip: string
  operation: string
  project_id: string | null
  object_kind: string
  object_id: string
  object_name: string
  /** What the operation left behind, where it did; one sentence for a person. */
  detail: Generated<string | null>
}

export type ProjectRow = Selectable<ProjectsTable>
export type WorkspaceRow = Selectable<WorkspacesTable>
export type ProfileRow = Selectable<ProfilesTable>
export type ApiKeyRow = Selectable<ApiKeysTable>
export type ComputeInstanceRow = Selectable<ComputeInstancesTable>
export type GuestAddressRow = Selectable<GuestAddressesTable>
export type PublicAddressRow = Selectable<PublicAddressesTable>
export type ExternalPortRow = Selectable<ExternalPortsTable>
export type WorkItemRow = Selectable<WorkItemsTable>
