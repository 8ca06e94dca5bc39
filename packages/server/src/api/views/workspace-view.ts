import { API_VERSION } from '@berth/contract/api-version'
import type { Workspace } from '@berth/contract/workspace'
import type { ProjectRow, WorkspaceRow } from '../../store/schema.ts'
import { metadataView } from './metadata-view.ts'

export function workspaceView(row: WorkspaceRow, project: ProjectRow): Workspace {
  return {
    apiVersion: API_VERSION,
    kind: 'Workspace',
    metadata: metadataView(row, project),
    ...(row.spec === null ? {} : { spec: JSON.parse(row.spec) as NonNullable<Workspace['spec']> }),
  }
}
