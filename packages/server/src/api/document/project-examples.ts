import {
  HUB_API_VERSION,
  PROJECT_PAGE_LIMIT,
  type AuthProject,
  type HubProject,
} from '@berth/contract/project'
import { EXAMPLE_PROJECT, EXAMPLE_TIME } from './example-objects.ts'

const ID = 'lk5xnd2'

const hubProject: HubProject = {
  apiVersion: HUB_API_VERSION,
  kind: 'Project',
  metadata: { name: EXAMPLE_PROJECT, createdAt: EXAMPLE_TIME, modifiedAt: EXAMPLE_TIME },
  spec: { default: true },
  status: { extra: { data: { id: ID } } },
}

const authProject: AuthProject = {
  id: ID,
  name: EXAMPLE_PROJECT,
  description: '',
  default: true,
  created_at: EXAMPLE_TIME,
  modified_at: EXAMPLE_TIME,
  organization_id: '7krxjzk',
}

/** What the operations of projects answer, by operationId. */
export const PROJECT_EXAMPLES = {
  listProjects: {
    response: {
      apiVersion: HUB_API_VERSION,
      kind: 'ProjectList',
      metadata: { count: 1, limit: PROJECT_PAGE_LIMIT },
      items: [hubProject],
    },
  },
  getProject: { response: hubProject },
  listAuthProjects: { response: { count: 1, next: null, previous: null, results: [authProject] } },
}
