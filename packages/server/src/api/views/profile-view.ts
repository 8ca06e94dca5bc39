import { API_VERSION } from '@berth/contract/api-version'
import type { ComputeProfileSpec } from '@berth/contract/profile'
import type { ProfileRow, ProjectRow } from '../../store/schema.ts'
import { metadataView } from './metadata-view.ts'

/** A profile as a project sees it; the catalogue's appear under the project that asked (guide, example response). */
export function profileView(row: ProfileRow, project: ProjectRow) {
  return {
    apiVersion: API_VERSION,
    kind: row.kind,
    metadata: metadataView(row, project),
    spec: JSON.parse(row.spec) as ComputeProfileSpec,
  }
}
