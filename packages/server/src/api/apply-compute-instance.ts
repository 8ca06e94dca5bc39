import { randomUUIDv7 } from 'node:crypto'
import { ApiError } from '@berth/contract/api-error'
import type { ComputeInstanceRequest, ComputeInstanceSpec } from '@berth/contract/compute-instance'
import { machineSettings } from '@berth/contract/machine-settings'
import { MASK } from '@berth/contract/mask'
import type { ComputeProfileSpec } from '@berth/contract/profile'
import { mergeVariables, type Variable } from '@berth/contract/variable'
import type { Caller } from '../auth/caller.ts'
import { findInstance, insertInstance, updateInstance } from '../store/compute-instances.ts'
import { findProfile } from '../store/profiles.ts'
import { recordAudit, recordEvent, subjectOf, type Requester } from '../store/records.ts'
import type { ComputeInstanceRow, ProfileRow, ProjectRow, WorkspaceRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { isSensitive, openVariables, sealVariables, type StoredVariable } from '../store/stored-variable.ts'
import type { ApiContext } from './api-context.ts'
import { canonicalJson } from './canonical-json.ts'
import { checkOverrides, checkVariableCount, checkVariables } from './variable-rules.ts'
import { checkName, metadataColumns } from './views/metadata-view.ts'
import { profileSnapshot } from './views/profile-snapshot.ts'

interface ApplyInstance {
  readonly project: ProjectRow
  readonly workspace: WorkspaceRow
  readonly body: ComputeInstanceRequest
  readonly caller: Caller
  readonly requester: Requester
  readonly failOnExists: boolean
}

/** Where an object's secrets are sealed for. */
function placeOf(project: ProjectRow, objectId: string): string {
  return `${project.organization_id}/${project.id}/${objectId}`
}

/**
 * Creates or updates an instance's configuration; nothing is deployed (guide, "Apply VM"). An apply that
 * changes nothing writes nothing; one that changes the spec makes a new generation.
 * @throws ApiError 400 naming the field, 409 when it exists and must not, or is being deleted
 */
export async function applyComputeInstance(
  context: ApiContext,
  tx: Tx,
  apply: ApplyInstance,
): Promise<ComputeInstanceRow> {
  const { project, workspace, body } = apply
  checkName(body.metadata.name)
  checkVariables(body.spec.variables ?? [])
  const profile = await profileFor(tx, apply)
  const existing = await findInstance(tx, workspace.id, 'ComputeInstance', body.metadata.name)
  if (existing && apply.failOnExists) {
    throw new ApiError(
      'AlreadyExists',
      `Compute instance ${JSON.stringify(existing.name)} already exists in workspace "${workspace.name}".`,
    )
  }
  if (existing?.delete_requested_at) {
    throw ApiError.conflict(
      `Compute instance ${JSON.stringify(existing.name)} is being deleted. Apply it again once it is gone.`,
    )
  }
  const id = existing?.id ?? randomUUIDv7()
  const before = existing ? openedState(context, project, existing) : null
  const profileSpec = JSON.parse(profile.spec) as ComputeProfileSpec
  const profileVariables = profileSpec.variables ?? []
  const sent = withoutOldDefaults(profileVariables, body.spec.variables ?? [], before)
  const variables = unmask(profileVariables, sent, before?.variables ?? [], sealedNames(existing))
  checkVariableCount(profileSpec.variables ?? [], variables)
  checkOverrides(profileSpec.variables ?? [], variables)
  machineSettings(profileSpec.variables ?? [], variables)
  const { variables: _, ...spec } = body.spec
  const columns = {
    ...metadataColumns(withProfileLabels(body, profile)),
    spec: canonicalJson(spec),
    profile: canonicalJson(profileSpec),
  }
  const after = { spec, variables, profile: profileSpec }
  const sameSpec = before !== null && fingerprint(context, before) === fingerprint(context, after)
  if (existing && sameSpec && sameMetadata(existing, columns)) return existing
  const sealed = sealVariables(
    context.secretBox,
    placeOf(project, id),
    profileSpec.variables ?? [],
    variables,
  )
  return write(context, tx, apply, existing, sameSpec, { ...columns, id, variables: JSON.stringify(sealed) })
}

type Columns = ReturnType<typeof metadataColumns> &
  Pick<ComputeInstanceRow, 'id' | 'spec' | 'profile' | 'variables'>

async function write(
  context: ApiContext,
  tx: Tx,
  apply: ApplyInstance,
  existing: ComputeInstanceRow | undefined,
  sameSpec: boolean,
  columns: Columns,
): Promise<ComputeInstanceRow> {
  const now = context.store.clock.now()
  const by = JSON.stringify(apply.caller.principal)
  const row = existing
    ? await updateInstance(tx, existing.id, {
        ...(sameSpec ? { ...columns, spec: existing.spec, variables: existing.variables } : columns),
        generation: existing.generation + (sameSpec ? 0 : 1),
        modified_at: now,
        modified_by: by,
      })
    : await insertInstance(tx, {
        ...columns,
        kind: 'ComputeInstance',
        project_id: apply.project.id,
        workspace_id: apply.workspace.id,
        generation: 1,
        status: 'not_deployed',
        reason: 'Publish it to deploy it.',
        phase: 'idle',
        phase_started_at: now,
        power_state: 'unknown',
        desired_power: 'running',
        steps: '[]',
        machine_present: 0,
        reserved_vcpus: 0,
        reserved_memory_mib: 0,
        reserved_gpus: 0,
        created_at: now,
        modified_at: now,
        created_by: by,
        modified_by: by,
      })
  const subject = subjectOf(row)
  await recordAudit(tx, now, apply.requester, 'apply', subject)
  await recordEvent(
    tx,
    now,
    subject,
    existing ? 'updated' : 'created',
    `Configuration ${existing ? 'updated' : 'created'}.`,
  )
  return row
}

async function profileFor(tx: Tx, { body, project, caller }: ApplyInstance): Promise<ProfileRow> {
  const { name, systemCatalog } = body.spec.computeProfile
  const profile = await findProfile(tx, 'ComputeProfile', name, {
    organizationId: caller.organizationId,
    projectId: project.id,
    systemCatalogOnly: systemCatalog === true,
  })
  if (profile) return profile
  const where = systemCatalog ? 'the system catalogue' : `project "${project.name}" or the system catalogue`
  throw ApiError.invalid(
    'spec.computeProfile.name',
    `there is no compute profile ${JSON.stringify(name)} in ${where}; list them at /computeprofiles`,
  )
}

/** The guide copies a profile's labels onto its instances; where the client leaves labels out, Berth does. */
function withProfileLabels(body: ComputeInstanceRequest, profile: ProfileRow) {
  if (body.metadata.labels !== undefined || profile.labels === null) return body.metadata
  return { ...body.metadata, labels: JSON.parse(profile.labels) as Record<string, string> }
}

/** Puts stored secrets where the client sent the mask back. */
function unmask(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  stored: readonly Variable[],
  sealed: ReadonlySet<string>,
): Variable[] {
  return sent.map((variable) => {
    const isSecret = isSensitive(profileVariables, variable) || sealed.has(variable.name)
    if (variable.value !== MASK || !isSecret) return variable
    const before = stored.find((candidate) => candidate.name === variable.name)
    const kept = before?.value
    // Its client may leave out what made it a secret; it stays one.
    const options = variable.options ?? before?.options
    if (!kept) {
      throw ApiError.invalid(
        variable.name,
        `"${MASK}" keeps the stored value, but none is stored; send the value itself`,
      )
    }
    return { ...variable, value: kept, ...(options ? { options } : {}) }
  })
}

/** The names of the variables that are stored as secrets. */
function sealedNames(row: ComputeInstanceRow | undefined): ReadonlySet<string> {
  const stored = row ? (JSON.parse(row.variables) as StoredVariable[]) : []
  return new Set(stored.filter((variable) => variable.sealed !== undefined).map((variable) => variable.name))
}

/**
 * What a client read of its profile and sends back is not its own wish: where the profile has changed a value
 * that nobody may override, the old one is dropped.
 */
function withoutOldDefaults(
  profileVariables: readonly Variable[],
  sent: readonly Variable[],
  before: OpenedState | null,
): Variable[] {
  const former = new Map((before?.profile.variables ?? []).map((variable) => [variable.name, variable.value]))
  return sent.filter((variable) => {
    const present = profileVariables.find((candidate) => candidate.name === variable.name)
    const fixed = present?.options?.readOnly === true || present?.options?.override?.type === 'notallowed'
    return !fixed || !variable.value || former.get(variable.name) !== variable.value
  })
}

interface OpenedState {
  readonly spec: Omit<ComputeInstanceSpec, 'variables'>
  readonly variables: readonly Variable[]
  readonly profile: ComputeProfileSpec
}

function openedState(context: ApiContext, project: ProjectRow, row: ComputeInstanceRow): OpenedState {
  const stored = JSON.parse(row.variables) as StoredVariable[]
  return {
    spec: JSON.parse(row.spec) as OpenedState['spec'],
    variables: openVariables(context.secretBox, placeOf(project, row.id), stored),
    profile: profileSnapshot(row),
  }
}

/**
 * What decides whether two applies ask for the same: the spec as it reads back, in the clear. So an
 * object that was read and sent back changes nothing, though it now spells out what its profile said.
 */
function fingerprint(context: ApiContext, state: OpenedState): string {
  const profileVariables = state.profile.variables ?? []
  const known = new Set(profileVariables.map((variable) => variable.name))
  const values = mergeVariables(profileVariables, state.variables)
    .map(({ name, value = '', valueType = '', options }) =>
      // Of the profile's variables only the value is the object's to say; its own count as they are.
      known.has(name) ? { name, value, valueType } : { name, value, valueType, options: options ?? {} },
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const datacenter = { name: context.datacenter, ...state.spec.datacenter }
  return canonicalJson({ spec: { ...state.spec, datacenter }, values, profile: state.profile })
}

function sameMetadata(existing: ComputeInstanceRow, columns: ReturnType<typeof metadataColumns>): boolean {
  return (['display_name', 'description', 'labels', 'annotations'] as const).every(
    (column) => existing[column] === columns[column],
  )
}
