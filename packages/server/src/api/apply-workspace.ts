import { randomUUIDv7 } from 'node:crypto'
import { ApiError } from '@berth/contract/api-error'
import type { WorkspaceRequest } from '@berth/contract/workspace'
import type { Caller } from '../auth/caller.ts'
import { recordAudit, recordEvent, type Requester } from '../store/records.ts'
import type { ProjectRow, WorkspaceRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { findWorkspace, insertWorkspace, updateWorkspace } from '../store/workspaces.ts'
import { canonicalJson } from './canonical-json.ts'
import { metadataColumns } from './views/metadata-view.ts'

interface ApplyWorkspace {
  readonly project: ProjectRow
  readonly body: WorkspaceRequest
  readonly caller: Caller
  readonly requester: Requester
  readonly failOnExists: boolean
}

/**
 * Creates or updates a workspace (guide, "Apply Workspace").
 * @throws ApiError 400 for a wrong name, 409 when it exists and must not
 */
export async function applyWorkspace(store: Store, apply: ApplyWorkspace): Promise<WorkspaceRow> {
  const { project, body, requester } = apply
  const spec = body.spec && Object.keys(body.spec).length > 0 ? canonicalJson(body.spec) : null
  const columns = { ...metadataColumns(body.metadata), spec }
  return store.transaction(async (tx) => {
    const now = store.clock.now()
    const existing = await findWorkspace(tx, project.id, columns.name)
    if (existing && apply.failOnExists) {
      throw new ApiError('AlreadyExists', `Workspace ${JSON.stringify(columns.name)} already exists.`)
    }
    const unchanged =
      existing && Object.entries(columns).every(([column, value]) => existing[column as 'spec'] === value)
    if (unchanged) return existing
    const by = JSON.stringify(apply.caller.principal)
    const row = existing
      ? await updateWorkspace(tx, existing.id, { ...columns, modified_at: now, modified_by: by })
      : await insertWorkspace(tx, {
          ...columns,
          id: randomUUIDv7(),
          project_id: project.id,
          created_at: now,
          modified_at: now,
          created_by: by,
          modified_by: by,
        })
    const subject = { projectId: project.id, kind: 'Workspace', id: row.id, name: row.name }
    await recordAudit(tx, now, requester, 'apply', subject)
    await recordEvent(
      tx,
      now,
      subject,
      existing ? 'updated' : 'created',
      `Workspace ${existing ? 'updated' : 'created'}.`,
    )
    return row
  })
}
