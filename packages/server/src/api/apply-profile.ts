import { ApiError } from '@berth/contract/api-error'
import { checkApplicationProfile } from '@berth/contract/application/check-application-profile'
import { machineSettings } from '@berth/contract/machine-settings'
import { unreadSentences } from '@berth/contract/machine-variables'
import { profileProblem, type ProfileProblem } from '@berth/contract/profile-problem'
import type { ProfileRequest } from '@berth/contract/profile'
import type { Variable } from '@berth/contract/variable'
import { clientMeaning } from '@berth/contract/variable-meaning'
import { quoted } from '@berth/contract/variable-text'
import { randomUUIDv7 } from 'node:crypto'
import type { Caller } from '../auth/caller.ts'
import { insertProfile, ownProfile, updateProfile, type ProfileKind } from '../store/profiles.ts'
import { recordAudit, recordEvent, type Requester } from '../store/records.ts'
import type { ProfileRow, ProjectRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { canonicalJson } from './canonical-json.ts'
import { withoutSecrets } from './profile-secrets.ts'
import { checkVariables } from './variable-rules.ts'
import { metadataColumns } from './views/metadata-view.ts'

/** What whoever applies a profile should know of it, a sentence each. */
export function profileWarnings(kind: ProfileKind, body: ProfileRequest): string[] {
  const given = body.spec.variables ?? []
  const found = problemOf(kind, body)
  const name = JSON.stringify(body.metadata.name)
  return [
    ...(found
      ? [`The profile ${name} is kept, but cannot be deployed: it ${found.problem}; ${found.remedy}.`]
      : []),
    ...withoutSecrets(given).withoutValue.map(
      (secret) =>
        `The value of ${quoted(secret)} is not kept: it is a secret, and every tenant reads a profile.`,
    ),
    ...unreadSentences(given),
  ]
}

/** What another catalogue means by a name of its own is for its instances to be held to, and no reason not to keep it. */
function isBerths({ name, options }: Variable): boolean {
  return options?.meaning !== undefined || clientMeaning(name) === undefined
}

function problemOf(kind: ProfileKind, { spec, metadata }: ProfileRequest): ProfileProblem | null {
  const instanceKind = kind === 'ServiceProfile' ? 'Service' : 'ComputeInstance'
  return profileProblem(instanceKind, spec, metadata.labels)
}

interface ApplyProfile {
  readonly kind: ProfileKind
  readonly project: ProjectRow
  readonly body: ProfileRequest
  readonly caller: Caller
  readonly requester: Requester
  readonly failOnExists: boolean
}

/**
 * Creates or updates a project's own profile; in the project `system-catalog`, the operator's catalogue.
 * Instances keep the profile as it was at their last apply. One that cannot be deployed here is kept as it is.
 * @throws ApiError 400 for a wrong name or variable, 409 when it exists and must not
 */
export async function applyProfile(store: Store, apply: ApplyProfile): Promise<ProfileRow> {
  const { kind, project, body, requester } = apply
  const given = body.spec.variables ?? []
  checkVariables(given)
  const { variables } = withoutSecrets(given)
  if (problemOf(kind, body) === null) machineSettings(variables.filter(isBerths), [])
  if (kind === 'ServiceProfile') checkApplicationProfile(body.spec)
  const spec = body.spec.variables ? { ...body.spec, variables } : body.spec
  const columns = { ...metadataColumns(body.metadata), spec: canonicalJson(spec) }
  return store.transaction(async (tx) => {
    const now = store.clock.now()
    const existing = await ownProfile(tx, kind, project.id, columns.name)
    if (existing && apply.failOnExists) {
      throw new ApiError('AlreadyExists', `${kind} ${JSON.stringify(columns.name)} already exists.`)
    }
    const unchanged =
      existing && Object.entries(columns).every(([column, value]) => existing[column as 'spec'] === value)
    if (unchanged) return existing
    const by = JSON.stringify(apply.caller.principal)
    const row = existing
      ? await updateProfile(tx, existing.id, { ...columns, modified_at: now, modified_by: by })
      : await insertProfile(tx, {
          ...columns,
          id: randomUUIDv7(),
          project_id: project.id,
          kind,
          created_at: now,
          modified_at: now,
          created_by: by,
          modified_by: by,
        })
    const subject = { projectId: project.id, kind, id: row.id, name: row.name }
    await recordAudit(tx, now, requester, 'apply', subject)
    await recordEvent(
      tx,
      now,
      subject,
      existing ? 'updated' : 'created',
      `Profile ${existing ? 'updated' : 'created'}.`,
    )
    return row
  })
}
