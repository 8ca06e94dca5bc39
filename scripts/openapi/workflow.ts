import { EXAMPLE_SSH_KEY } from '../../packages/server/src/api/document/example-objects.ts'

/** One request of the Postman collection. */
export interface WorkflowStep {
  readonly operationId: string
  /** Its name in the collection, where the operation's summary would be there twice. */
  readonly name?: string
  /** Path parameters with another value than the document's example. */
  readonly path?: Readonly<Record<string, string>>
  /** Query parameters to send; the others stay in the collection, switched off. */
  readonly query?: Readonly<Record<string, string>>
  /** Repeats the request until what it waits for is there. */
  readonly until?: 'terminal' | 'vmGone' | 'serviceGone'
}

export interface WorkflowFolder {
  readonly name: string
  readonly description: string
  readonly steps: readonly WorkflowStep[]
}

/** What a user of the collection sets. A value of the document's examples that equals one becomes {{its name}}. */
export const VARIABLES: Readonly<Record<string, string>> = {
  baseUrl: 'http://127.0.0.1:7080',
  apiKey: '',
  project: 'defaultproject',
  workspace: 'dev1',
  computeProfile: 'no-gpu-vm',
  vm: 'vm-test-api-4',
  serviceProfile: 'vmaas-notebook',
  service: 'notebook-4',
  password: 'vm1234',
  sshPublicKey: EXAMPLE_SSH_KEY,
  pollSeconds: '2',
}

const watch = (name: string, operationId = 'getComputeInstance'): WorkflowStep => ({
  operationId,
  name,
  until: 'terminal',
})
const watchService = (name: string): WorkflowStep => watch(name, 'getService')

const act = (action: string): WorkflowStep => ({
  operationId: 'actOnComputeInstance',
  name: `${action[0]?.toUpperCase()}${action.slice(1)} the VM`,
  path: { action },
})

const actOnService = (action: string): WorkflowStep => ({
  ...act(action),
  operationId: 'actOnService',
  name: `${action[0]?.toUpperCase()}${action.slice(1)} the service`,
})

/**
 * The requests of the collection in the order of the guide's workflows, so that the whole collection can be
 * run from top to bottom. Every operation is in it.
 */
export const WORKFLOW: readonly WorkflowFolder[] = [
  {
    name: 'Server',
    description: 'Is it there, and what can it do',
    steps: [{ operationId: 'getHealth' }, { operationId: 'getReadiness' }, { operationId: 'getOpenApi' }],
  },
  {
    name: 'Projects',
    description: 'Where workspaces and profiles live',
    steps: [
      { operationId: 'listProjects' },
      { operationId: 'getProject' },
      { operationId: 'listAuthProjects' },
    ],
  },
  {
    name: 'Profiles',
    description: 'What can be deployed, and in which sizes',
    steps: [
      { operationId: 'listComputeProfiles', name: 'List the compute profiles' },
      { operationId: 'applyComputeProfile', name: 'Apply a compute profile' },
      { operationId: 'getComputeProfile', name: 'Get a compute profile' },
      { operationId: 'listServiceProfiles', name: 'List the service profiles' },
      { operationId: 'applyServiceProfile', name: 'Apply a service profile' },
      { operationId: 'getServiceProfile', name: 'Get a service profile' },
    ],
  },
  {
    name: 'Create a workspace',
    description: 'Groups of VMs and services in a project',
    steps: [
      { operationId: 'applyWorkspace' },
      { operationId: 'listWorkspaces' },
      { operationId: 'getWorkspace' },
    ],
  },
  {
    name: 'Create and deploy a VM',
    description: 'Apply, publish, watch until its status is terminal',
    steps: [
      { operationId: 'applyComputeInstance', name: 'Apply the VM' },
      { operationId: 'listComputeInstances' },
      { operationId: 'publishComputeInstance', name: 'Publish the VM' },
      watch('Watch the VM until it is deployed'),
    ],
  },
  {
    name: 'Act on a VM',
    description: 'What can be done now is in status.actions',
    steps: [
      act('stop'),
      watch('Watch the VM until it is stopped'),
      act('start'),
      watch('Watch the VM until it is started'),
      act('reboot'),
      watch('Watch the VM until it is rebooted'),
    ],
  },
  {
    name: 'Create and deploy a service',
    description: 'Apply, publish, watch; its URL and its token are in status.output',
    steps: [
      { operationId: 'applyService', name: 'Apply the service' },
      { operationId: 'listServices' },
      { operationId: 'publishService', name: 'Publish the service' },
      watchService('Watch the service until it is deployed'),
    ],
  },
  {
    name: 'Act on a service',
    description: 'What can be done now is in status.actions',
    steps: [
      actOnService('stop'),
      watchService('Watch the service until it is stopped'),
      actOnService('start'),
      watchService('Watch the service until it is started'),
    ],
  },
  {
    name: 'Delete',
    description: 'Delete the VM and the service, watch until they are gone, delete the workspace',
    steps: [
      { operationId: 'deleteComputeInstance', name: 'Delete the VM' },
      { operationId: 'deleteService', name: 'Delete the service' },
      { operationId: 'listComputeInstances', name: 'Watch the list until the VM is gone', until: 'vmGone' },
      { operationId: 'listServices', name: 'Watch the list until the service is gone', until: 'serviceGone' },
      { operationId: 'deleteWorkspace' },
    ],
  },
]
