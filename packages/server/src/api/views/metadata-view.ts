import type { Metadata, RequestMetadata, StringMap } from '@berth/contract/metadata'
import type { Principal } from '@berth/contract/principal'
import { formatTimestamp } from '@berth/contract/timestamp'
import type { ProjectRow } from '../../store/schema.ts'

interface NamedRow {
  readonly id: string
  readonly name: string
  readonly display_name: string
  readonly description: string
  readonly labels: string | null
  readonly annotations: string | null
  readonly created_at: number
  readonly modified_at: number
  readonly created_by: string
  readonly modified_by: string
}

/** A row's metadata. Empty displayName and description are left out (guide, example responses). */
export function metadataView(row: NamedRow, project: ProjectRow, workspaceName?: string): Metadata {
  return {
    name: row.name,
    project: project.name,
    ...(workspaceName === undefined ? {} : { workspace: workspaceName }),
    ...(row.display_name === '' ? {} : { displayName: row.display_name }),
    ...(row.description === '' ? {} : { description: row.description }),
    ...(row.labels === null ? {} : { labels: JSON.parse(row.labels) as StringMap }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as StringMap }),
    id: row.id,
    projectID: project.id,
    createdAt: formatTimestamp(row.created_at),
    modifiedAt: formatTimestamp(row.modified_at),
    createdBy: JSON.parse(row.created_by) as Principal,
    modifiedBy: JSON.parse(row.modified_by) as Principal,
  }
}

/** The columns that a request's metadata decides. */
export function metadataColumns(metadata: RequestMetadata) {
  return {
    name: metadata.name,
    display_name: metadata.displayName ?? '',
    description: metadata.description ?? '',
    labels: mapColumn(metadata.labels),
    annotations: mapColumn(metadata.annotations),
  }
}

function mapColumn(map: StringMap | undefined): string | null {
  if (map === undefined) return null
  return JSON.stringify(Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
