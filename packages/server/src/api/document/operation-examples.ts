import { API_VERSION } from '@berth/contract/api-version'
import {
  EXAMPLE_INSTANCE_REQUEST,
  EXAMPLE_RUNNING,
  exampleInstance,
  exampleList,
  exampleMetadata,
} from './example-objects.ts'
import { PROJECT_EXAMPLES } from './project-examples.ts'
import { SERVICE_EXAMPLES } from './service-examples.ts'

interface OperationExamples {
  readonly request?: unknown
  readonly response: unknown
}

const running = exampleInstance(EXAMPLE_RUNNING)

function profile(kind: 'ComputeProfile' | 'ServiceProfile', name: string, displayName: string, spec: object) {
  const envelope = { apiVersion: API_VERSION, kind }
  return {
    request: { ...envelope, metadata: { name, displayName }, spec },
    response: { ...envelope, metadata: exampleMetadata(name, { displayName }), spec },
  }
}

const computeProfile = profile('ComputeProfile', 'small-vm', '1 vCPU VM', {
  computeType: 'vm',
  guestImage: 'debian-12',
  variables: [
    { name: 'Guest CPU Count', valueType: 'text', value: '1', options: { meaning: 'vcpu' } },
    {
      name: 'Guest Memory Size',
      valueType: 'text',
      value: '1024',
      options: { meaning: 'memory', unit: 'MiB' },
    },
    {
      name: 'Guest Password',
      valueType: 'text',
      options: { meaning: 'password', sensitive: true, description: "Password of the guest's user" },
    },
  ],
})

const serviceProfile = profile('ServiceProfile', 'my-notebook', 'Notebook', {
  serviceType: 'notebook',
  guestImage: 'debian-12',
  variables: [{ name: 'Jupyter Notebook Config', valueType: 'json', value: '{}' }],
})

const workspace = { apiVersion: API_VERSION, kind: 'Workspace', metadata: exampleMetadata('dev1') }

/** What each operation is sent and answers, by operationId (guide, "Example Request" and "Example Response"). */
export const OPERATION_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  getHealth: { response: { status: 'ok', version: '0.1.0' } },
  getReadiness: { response: { status: 'ready', reason: '' } },
  getOpenApi: { response: { openapi: '3.1.0', info: { title: 'Berth', version: '0.1.0' }, paths: {} } },

  ...PROJECT_EXAMPLES,

  listComputeProfiles: { response: exampleList('ComputeProfile', [computeProfile.response]) },
  getComputeProfile: { response: computeProfile.response },
  applyComputeProfile: computeProfile,
  listServiceProfiles: { response: exampleList('ServiceProfile', [serviceProfile.response]) },
  getServiceProfile: { response: serviceProfile.response },
  applyServiceProfile: serviceProfile,

  listWorkspaces: { response: exampleList('Workspace', [workspace]) },
  getWorkspace: { response: workspace },
  applyWorkspace: {
    request: {
      apiVersion: API_VERSION,
      kind: 'Workspace',
      metadata: { name: 'dev1', project: 'defaultproject', displayName: '', description: '' },
    },
    response: workspace,
  },
  deleteWorkspace: { response: {} },

  listComputeInstances: { response: exampleList('ComputeInstance', [running]) },
  getComputeInstance: { response: running },
  applyComputeInstance: { request: EXAMPLE_INSTANCE_REQUEST, response: exampleInstance() },
  publishComputeInstance: {
    response: exampleInstance({ status: 'submitted', reason: 'Waiting to be deployed.' }),
  },
  actOnComputeInstance: {
    response: exampleInstance({ ...EXAMPLE_RUNNING, status: 'pending', reason: 'Stopping.', actions: [] }),
  },
  deleteComputeInstance: { response: {} },

  ...SERVICE_EXAMPLES,
}
