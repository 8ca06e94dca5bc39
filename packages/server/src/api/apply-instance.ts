import { randomUUIDv7 } from 'node:crypto'
import { ApiError } from '@berth/contract/api-error'
import { machineSettings } from '@berth/contract/machine-settings'
import { computeTypeOf } from '@berth/contract/profile-problem'
import type { Variable } from '@berth/contract/variable'
import type { Caller } from '../auth/caller.ts'
import { findInstance, insertInstance, updateInstance } from '../store/compute-instances.ts'
import { findProfile } from '../store/profiles.ts'
import { recordAudit, recordEvent, subjectOf, type Requester } from '../store/records.ts'
import type { ComputeInstanceRow, ProfileRow, ProjectRow, WorkspaceRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { isOpenSecret, sealVariables, type StoredVariable } from '../store/stored-variable.ts'
import type { ApiContext } from './api-context.ts'
import { canonicalJson } from './canonical-json.ts'
import { refuseSmallerDisk } from './disk-size.ts'
import { refuseWhileDeleted } from './instance-change.ts'
import { asksTheSame, configurationOf, placeOf } from './instance-configuration.ts'
import { KINDS, nameInWords, profileReferenceOf, type InstanceRequest } from './instance-kind.ts'
import { sentVariables } from './sent-variables.ts'
import { applicationOf } from './service-application.ts'
import { refuseUnrealisable } from './unrealisable-profile.ts'
import {
  checkOnePassword,
  checkOverrides,
  checkSecretNames,
  checkSecretTexts,
  checkVariableCount,
  checkVariables,
} from './variable-rules.ts'
import { metadataColumns } from './views/metadata-view.ts'
import { labelsOf } from './views/profile-labels.ts'
import type { ProfileSpec } from './views/profile-snapshot.ts'

/** Stands for a secret that publish makes up, while the configuration is checked. */
const MADE_LATER = 'x'

interface ApplyInstance {
  readonly project: ProjectRow
  readonly workspace: WorkspaceRow
  readonly body: InstanceRequest
  readonly caller: Caller
  readonly requester: Requester
  readonly failOnExists: boolean
}

/**
 * Creates or updates an instance's configuration; nothing is deployed (guide, "Apply VM", "Apply Service"). An
 * apply that changes nothing writes nothing; one that changes the spec makes a new generation.
 * @throws ApiError 400 naming the field, 409 when it exists and must not, or is being deleted
 */
export async function applyInstance(
  context: ApiContext,
  tx: Tx,
  apply: ApplyInstance,
): Promise<ComputeInstanceRow> {
  const { project, workspace, body } = apply
  checkVariables(body.spec.variables ?? [])
  const profile = await profileFor(tx, apply)
  const existing = await findInstance(tx, workspace.id, body.kind, body.metadata.name)
  if (existing && apply.failOnExists) {
    throw new ApiError(
      'AlreadyExists',
      `${nameInWords(existing)} already exists in workspace "${workspace.name}".`,
    )
  }
  if (existing) refuseWhileDeleted(existing)
  const before = existing && configurationOf(context, project, existing)
  const profileSpec = JSON.parse(profile.spec) as ProfileSpec
  const profileVariables = profileSpec.variables ?? []
  const profileLabels = labelsOf(profile)
  refuseUnrealisable(body.kind, { spec: profileSpec, labels: profileLabels }, body.spec.variables ?? [])
  checkSecretNames(profileVariables, body.spec.variables ?? [])
  const variables = sentVariables(
    profileVariables,
    body.spec.variables ?? [],
    existing && before && { row: existing, before },
  )
  checkVariableCount(profileVariables, variables)
  checkOverrides(profileVariables, variables)
  checkSecretTexts(profileVariables, variables)
  checkOnePassword(profileVariables, variables)
  machineSettings(profileVariables, variables)
  const asked = { kind: body.kind, profile: profileSpec, variables }
  applicationOf(context.registries, asked, () => MADE_LATER)
  const { variables: _, ...spec } = body.spec
  const keptProfile = body.kind === 'ComputeInstance' ? withType(profileSpec, profileLabels) : profileSpec
  const columns = {
    ...metadataColumns(withProfileLabels(body, profile)),
    profile: canonicalJson(keptProfile),
  }
  const sameSpec =
    before !== undefined && asksTheSame(context, before, { spec, variables, profile: profileSpec })
  const changed = { spec, profile: profileSpec, variables }
  if (before && !sameSpec) refuseSmallerDisk(context, existing, before, changed)
  const id = existing?.id ?? randomUUIDv7()
  const seal = (open: readonly Variable[]) =>
    JSON.stringify(sealVariables(context.secretBox, placeOf(project, id), profileVariables, open))
  const opened = existing && before && holdsOpenSecret(profileVariables, existing)
  const kept = existing && sameSpec ? existing : { spec: canonicalJson(spec), variables: seal(variables) }
  const row = {
    ...columns,
    id,
    spec: kept.spec,
    variables: opened && sameSpec ? seal(before.variables) : kept.variables,
  }
  if (!existing || !sameSpec || !sameMetadata(existing, columns))
    return write(context, tx, apply, existing, sameSpec, row)
  // What an earlier version kept in another way: nobody asked for a change, and nobody sees one.
  const { variables: keptVariables, profile: keptAs } = row
  const isKept = existing.profile === keptAs && existing.variables === keptVariables
  return isKept ? existing : updateInstance(tx, id, { profile: keptAs, variables: keptVariables })
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
        ...columns,
        generation: existing.generation + (sameSpec ? 0 : 1),
        modified_at: now,
        modified_by: by,
      })
    : await insertInstance(tx, {
        ...columns,
        kind: apply.body.kind,
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
  const { name, systemCatalog } = profileReferenceOf(body)
  const { profileKind, profileMember, profileTitle, profileCollection } = KINDS[body.kind]
  const profile = await findProfile(tx, profileKind, name, {
    organizationId: caller.organizationId,
    projectId: project.id,
    systemCatalogOnly: systemCatalog === true,
  })
  if (profile) return profile
  const where = systemCatalog ? 'the system catalogue' : `project "${project.name}" or the system catalogue`
  throw ApiError.invalid(
    `spec.${profileMember}.name`,
    `there is no ${profileTitle} ${JSON.stringify(name)} in ${where}; list them at /${profileCollection}`,
  )
}

/** The profile as its instance keeps it: what it is one of may be said in its labels only. */
function withType(spec: ProfileSpec, labels: Readonly<Record<string, string>>): ProfileSpec {
  return { ...spec, computeType: computeTypeOf(spec, labels) ?? 'vm' }
}

function holdsOpenSecret(profileVariables: readonly Variable[], { variables }: ComputeInstanceRow): boolean {
  return (JSON.parse(variables) as StoredVariable[]).some((stored) => isOpenSecret(profileVariables, stored))
}

/** The guide copies a profile's labels onto its instances; where the client leaves labels out, Berth does. */
function withProfileLabels({ metadata }: InstanceRequest, profile: ProfileRow) {
  const own = metadata.labels !== undefined || profile.labels === null
  return own ? metadata : { ...metadata, labels: labelsOf(profile) }
}

function sameMetadata(existing: ComputeInstanceRow, columns: ReturnType<typeof metadataColumns>): boolean {
  return (['display_name', 'description', 'labels', 'annotations'] as const).every(
    (column) => existing[column] === columns[column],
  )
}
