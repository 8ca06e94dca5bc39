import { API_VERSION } from '@berth/contract/api-version'
import { MASK } from '@berth/contract/mask'
import type { Service, ServiceRequest, ServiceStatus } from '@berth/contract/service'
import { serviceOutput } from '@berth/contract/service-output'
import {
  EXAMPLE_FIREWALL_RULES,
  EXAMPLE_LABELS,
  EXAMPLE_PROJECT,
  EXAMPLE_RUNNING,
  EXAMPLE_SSH_KEY,
  EXAMPLE_WORKSPACE,
  exampleInstance,
  exampleList,
  exampleMetadata,
} from './example-objects.ts'

const NAME = 'notebook-4'
const description = 'This is notebook created from API'
const metadata = { workspace: EXAMPLE_WORKSPACE, description, labels: EXAMPLE_LABELS }
const serviceProfile = { name: 'vmaas-notebook', systemCatalog: true }

function config(token: string): string {
  return JSON.stringify({
    Jupyter_Notebook_Enabled: 'True',
    Jupyter_Notebook_Token: token,
    Jupyter_Notebook_Hostname: 'notebook.example.org',
    Jupyter_Notebook_Nginx_Port: '443',
    Jupyter_Notebook_Image: 'jupyter/minimal-notebook:latest',
  })
}

function variables(token: string, password: string) {
  return [
    { name: 'Jupyter Notebook Config', value: config(token) },
    { name: 'Certificate Handling', value: 'True' },
    { name: 'Firewall Rules', value: EXAMPLE_FIREWALL_RULES },
    { name: 'Enable OTEL Collector', value: 'False' },
    { name: 'Port Forwards', value: '' },
    { name: 'Guest Password', value: password },
    { name: 'SSH Public Keys', value: EXAMPLE_SSH_KEY },
  ]
}

/** The guide's example of an apply, with a hostname that nobody owns. */
const request: ServiceRequest = {
  apiVersion: API_VERSION,
  kind: 'Service',
  metadata: { name: NAME, project: EXAMPLE_PROJECT, ...metadata },
  spec: { serviceProfile, variables: variables('token1', 'password') },
}

/** A service with a status that differs from a fresh one's in `status`; its variables without the profile's. */
function exampleService(status: Partial<ServiceStatus> = {}): Service {
  return {
    apiVersion: API_VERSION,
    kind: 'Service',
    metadata: exampleMetadata(NAME, metadata),
    spec: {
      serviceProfile,
      datacenter: { name: 'local' },
      variables: variables(MASK, MASK).map((variable) => ({ ...variable, valueType: 'text' })),
    },
    status: { ...exampleInstance().status, actions: [], output: {}, ...status },
  }
}

/** The status of a running service, as who may not write it reads it. */
const running: ServiceStatus = {
  ...EXAMPLE_RUNNING,
  actions: ['stop'],
  output: serviceOutput(
    {
      template: 'notebook',
      application: {
        tls: true,
        outputs: [
          { key: 'Host Name', kind: 'url', path: '/', secret: false },
          { key: 'Token', kind: 'text', value: MASK, secret: true },
        ],
      },
      applicationPlace: { address: '127.64.0.7', port: 443 },
      ssh: { address: '127.64.0.7', port: 22 },
      username: 'ubuntu',
      password: MASK,
      privateAddress: '10.64.0.3',
      publicAddress: '127.64.0.7',
    },
    true,
  ),
}

const service = exampleService(running)

/** What the operations of services are sent and answer, by operationId. */
export const SERVICE_EXAMPLES = {
  listServices: { response: exampleList('Service', [service]) },
  getService: { response: service },
  applyService: { request, response: exampleService() },
  publishService: { response: exampleService({ status: 'submitted', reason: 'Waiting to be deployed.' }) },
  actOnService: {
    response: exampleService({ ...running, status: 'pending', reason: 'Stopping.', actions: [] }),
  },
  deleteService: { response: {} },
}
