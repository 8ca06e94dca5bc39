import { HUB_API_VERSION, type AuthProject, type HubProject } from '@berth/contract/project'
import { formatTimestamp } from '@berth/contract/timestamp'
import { DEFAULT_PROJECT } from '../../auth/bootstrap.ts'
import type { ProjectRow } from '../../store/schema.ts'

/** A project in the hub's shape: its id is where that hub's clients look (wire contract 1c). */
export function hubProjectView(row: ProjectRow): HubProject {
  return {
    apiVersion: HUB_API_VERSION,
    kind: 'Project',
    metadata: {
      name: row.name,
      ...(row.description === '' ? {} : { description: row.description }),
      createdAt: formatTimestamp(row.created_at),
      modifiedAt: formatTimestamp(row.modified_at),
    },
    spec: { default: row.name === DEFAULT_PROJECT },
    status: { extra: { data: { id: row.id } } },
  }
}

/** A project in the auth service's shape (wire contract 2.8). */
export function authProjectView(row: ProjectRow): AuthProject {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    default: row.name === DEFAULT_PROJECT,
    created_at: formatTimestamp(row.created_at),
    modified_at: formatTimestamp(row.modified_at),
    organization_id: row.organization_id,
  }
}
