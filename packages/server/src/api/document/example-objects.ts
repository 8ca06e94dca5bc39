import { API_VERSION } from '@berth/contract/api-version'
import type { ComputeInstance, ComputeInstanceRequest } from '@berth/contract/compute-instance'
import type { InstanceStatus } from '@berth/contract/instance-status'
import { MASK } from '@berth/contract/mask'
import type { Metadata } from '@berth/contract/metadata'
import { LOOPBACK_REACH } from '@berth/contract/network-reach'
import type { Variable } from '@berth/contract/variable'
import { NO_PORT_FORWARDS, vmOutput } from '@berth/contract/vm-output'

export const EXAMPLE_PROJECT = 'defaultproject'
export const EXAMPLE_WORKSPACE = 'dev1'
export const EXAMPLE_TIME = '2025-10-14T18:14:03.687874Z'
const BY = { id: '7krxjzk', username: 'operator@berth.local' }

export const EXAMPLE_LABELS = {
  'paas.envmgmt.io/compute_type': 'vm',
  'paas.envmgmt.io/compute_type_provider': 'kvm',
}

/** An object's metadata as it reads back. */
export function exampleMetadata(name: string, own: Partial<Metadata> = {}): Metadata {
  return {
    name,
    project: EXAMPLE_PROJECT,
    ...own,
    id: '0199dfc7-9552-70e0-a20e-0fc9bfab1b19',
    projectID: 'lk5xnd2',
    createdAt: EXAMPLE_TIME,
    modifiedAt: EXAMPLE_TIME,
    createdBy: BY,
    modifiedBy: BY,
  }
}

/** A list of everything there is. */
export function exampleList(kind: string, items: readonly unknown[]) {
  return {
    apiVersion: API_VERSION,
    kind: `${kind}List`,
    metadata: { count: items.length, limit: 50 },
    items,
  }
}

export const EXAMPLE_FIREWALL_RULES = JSON.stringify([
  { source_cidr: 'any', action: 'allow', application: 'ssh', port: 22, protocol: 'tcp' },
  { source_cidr: 'any', action: 'allow', application: 'https', port: 443, protocol: 'tcp' },
])
/** A key that nobody has the other half of. */
export const EXAMPLE_SSH_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF7XOFK7NvtVCzEvpyES0ri9VIQ1sxuJNmEcNtOIj3G9 me@example.com'

const description = 'This VM is being created by API'

/** The guide's example of an apply, with a profile that needs no GPU and without a public IP. */
export const EXAMPLE_INSTANCE_REQUEST: ComputeInstanceRequest = {
  apiVersion: API_VERSION,
  kind: 'ComputeInstance',
  metadata: {
    name: 'vm-test-api-4',
    workspace: EXAMPLE_WORKSPACE,
    project: EXAMPLE_PROJECT,
    labels: EXAMPLE_LABELS,
    description,
  },
  spec: {
    computeProfile: { name: 'no-gpu-vm', systemCatalog: true },
    variables: [
      { name: 'Assign Public IP to Guest', value: 'False' },
      { name: 'Firewall Rules', value: EXAMPLE_FIREWALL_RULES },
      { name: 'Enable OTEL Collector', value: 'False' },
      { name: 'Port Forwards', value: '[]' },
      { name: 'Guest Password', value: 'vm1234' },
      { name: 'SSH Public Keys', value: EXAMPLE_SSH_KEY },
    ],
  },
}

/** The profile's variables with the request's over them; here without their options, for shortness. */
const MERGED: Variable[] = [
  { name: 'Guest CPU Count', value: '2' },
  { name: 'Guest Memory Size', value: '2048' },
  { name: 'Guest Disk Size', value: '20' },
  { name: 'Guest GPU Count', value: '0' },
  ...(EXAMPLE_INSTANCE_REQUEST.spec.variables ?? []).map((variable) =>
    variable.name === 'Guest Password' ? { ...variable, value: MASK } : variable,
  ),
].map((variable) => ({ valueType: 'text', ...variable }))

/** An instance with a status that differs from a fresh one's in `status`. */
export function exampleInstance(status: Partial<InstanceStatus> = {}): ComputeInstance {
  return {
    apiVersion: API_VERSION,
    kind: 'ComputeInstance',
    metadata: exampleMetadata('vm-test-api-4', {
      workspace: EXAMPLE_WORKSPACE,
      description,
      labels: EXAMPLE_LABELS,
    }),
    spec: {
      computeProfile: { name: 'no-gpu-vm', systemCatalog: true },
      datacenter: { name: 'local' },
      variables: MERGED,
    },
    status: {
      status: 'not_deployed',
      reason: 'Publish it to deploy it.',
      actions: [],
      powerState: 'unknown',
      network: LOOPBACK_REACH,
      output: {},
      steps: [],
      ...status,
    },
  }
}

/** The status of a running instance, as who may not write it reads it: with the password masked. */
export const EXAMPLE_RUNNING: InstanceStatus = {
  status: 'success',
  reason: 'Running.',
  actions: ['stop', 'reboot'],
  powerState: 'running',
  network: LOOPBACK_REACH,
  output: vmOutput({
    Hostname: 'vm-test-api-4',
    OSName: 'Debian GNU/Linux 12',
    Username: 'ubuntu',
    Password: MASK,
    'Private IP': '10.64.0.2',
    'Public IP': '',
    Port: '40022',
    'Port Forwards': NO_PORT_FORWARDS,
    ServerHost: '127.0.0.1',
  }),
  steps: [
    {
      name: 'Start machine',
      state: 'done',
      startedAt: EXAMPLE_TIME,
      finishedAt: '2025-10-14T18:14:04.120410Z',
    },
    {
      name: 'Boot guest',
      state: 'done',
      startedAt: '2025-10-14T18:14:04.120410Z',
      finishedAt: '2025-10-14T18:14:21.901337Z',
    },
  ],
}
