import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

// The requests that the guide prints, and those that its clients are known to send (wire contract), names adapted.

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

const QUERY = '?limit=1000&offset=0&order=DESC&orderBy=createdAt'
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH user@host'

test('the guide’s profiles and workspaces section', async () => {
  for (const kind of ['computeprofiles', 'serviceprofiles']) {
    const list = await api.call('GET', `${kind}${QUERY}`)
    expect(list.status).toBe(200)
    expect(list.body.metadata.limit).toBe(50)
  }
  const dev = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'dev1', project: 'vm-project', displayName: '', description: '' },
  }
  const made = await api.call('POST', 'workspaces?fail-on-exists=true', dev)
  expect(made.status).toBe(200)
  expect(made.body.metadata).toMatchObject({ name: 'dev1', project: 'defaultproject' })
  expect(made.body.metadata).not.toHaveProperty('displayName')
  expect((await api.call('GET', `workspaces${QUERY}`)).body).toMatchObject({
    kind: 'WorkspaceList',
    metadata: { count: 2 },
  })
  expect((await api.call('GET', 'workspaces/dev1')).body.metadata.id).toBe(made.body.metadata.id)
})

test('the guide’s virtual machine section, from apply to gone', async () => {
  const vms = 'workspaces/dev1/computeinstances'
  const applied = await api.call('POST', vms, {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: {
      workspace: 'dev1',
      project: 'vm-project',
      labels: { 'paas.envmgmt.io/compute_type': 'vm', 'paas.envmgmt.io/compute_type_provider': 'kvm' },
      name: 'vm-test-api-4',
      description: 'This VM is being created by API',
    },
    spec: {
      computeProfile: { name: '1gpu-vm', systemCatalog: true },
      variables: [
        { name: 'Assign Public IP to Guest', value: 'True' },
        {
          name: 'Firewall Rules',
          value:
            '[{"source_cidr":"any","action":"allow","application":"ssh","port":22,"protocol":"tcp"},{"source_cidr":"any","action":"allow","application":"https","port":443,"protocol":"tcp"}]',
        },
        { name: 'Enable OTEL Collector', value: 'True' },
        { name: 'Port Forwards', value: '[]' },
        { name: 'Guest Password', value: 'vm1234' },
        { name: 'SSH Public Keys', value: KEY },
      ],
    },
  })
  expect(applied.status).toBe(200)
  expect(applied.body.metadata.project).toBe('defaultproject')
  const get = () => api.call('GET', `${vms}/vm-test-api-4`)
  const until = (check: (status: { status: string; powerState: string }) => boolean) =>
    expect.poll(async () => check((await get()).body.status), { timeout: 10_000 }).toBe(true)

  expect((await api.call('POST', `${vms}/vm-test-api-4/publish`, {})).status).toBe(200)
  await until(({ status }) => status === 'success')
  expect((await api.call('GET', `${vms}${QUERY}`)).body.items[0]).toMatchObject({
    spec: { datacenter: { name: 'local' } },
    status: { status: 'success', actions: ['stop', 'reboot'] },
  })
  for (const [action, power] of [
    ['stop', 'stopped'],
    ['start', 'running'],
    ['reboot', 'running'],
  ] as const) {
    expect((await api.call('POST', `${vms}/vm-test-api-4/action/${action}`, {})).status).toBe(200)
    await until(({ status, powerState }) => status === 'success' && powerState === power)
  }
  expect((await api.call('DELETE', 'workspaces/dev1')).status).toBe(409)
  expect((await api.call('DELETE', `${vms}/vm-test-api-4`)).status).toBe(200)
  await expect.poll(async () => (await get()).status, { timeout: 10_000 }).toBe(404)
  expect((await api.call('DELETE', 'workspaces/dev1')).status).toBe(200)
})

test('a command line that names no workspace, sends names of its own, and no body', async () => {
  const body = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name: 'buzz-1', project: 'defaultproject', displayName: 'buzz-1' },
    spec: {
      computeProfile: { name: 'no-gpu-vm', systemCatalog: true },
      variables: [
        { name: 'GPU Count', value: '0', valueType: 'text' },
        { name: 'Node Type', value: '', valueType: 'text' },
      ],
    },
  }
  const created = await api.call('POST', `${INSTANCES}?fail-on-exists=true`, body)
  const names = created.body.spec.variables.map((variable: { name: string }) => variable.name)
  expect(names).toEqual(
    expect.arrayContaining(['GPU Count', 'Node Type', 'Guest CPU Count', 'Guest Memory Size']),
  )
  expect(created.body).not.toHaveProperty('code')
  expect(
    (await api.call('POST', `${INSTANCES}/buzz-1/publish`, undefined, { 'content-length': '0' })).status,
  ).toBe(200)
  const up = await api.waitForStatus('buzz-1', 'success')
  const [template] = Object.values(up.status.output)
  const [task] = Object.values(template?.tasks ?? {})
  for (const value of Object.values(task ?? {})) expect(value).toBeTypeOf('string')
})

test('an SDK that sends status and signs its requests, and a collection that sends everything back', async () => {
  const headers = {
    'X-RAFAY-API-KEYID': api.key,
    date: '1795438308',
    nonce: '3340485413126246715',
    Authorization: `Signature keyId="${api.key}",algorithm="hmac-sha256",headers="content-md5 date host nonce",signature="QqCS"`,
  }
  const workspace = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'sdk', displayName: 'sdk' },
    spec: {},
    status: { commonStatus: {} },
  }
  expect((await api.call('POST', 'workspaces', workspace, headers)).status).toBe(200)
  const read = await api.instance('buzz-1')
  const loose = {
    ...read,
    spec: { ...read.spec, computeType: 'vm', datacenter: {}, storageDetails: {} },
  }
  const sent = await api.call('POST', `${INSTANCES}?auto-publish=true`, loose)
  expect(sent.body.spec).toMatchObject({
    computeType: 'vm',
    storageDetails: {},
    datacenter: { name: 'local' },
  })
})

test('a GET that carries a body is answered like any other', async () => {
  const body = '{"apiVersion":"paas.envmgmt.io/v1"}'
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(
      `${api.url}/apis/paas.envmgmt.io/v1/projects/defaultproject/${INSTANCES}`,
      {
        method: 'GET',
        headers: { 'x-api-key': api.key, 'content-type': 'application/json', 'content-length': body.length },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
  expect(status).toBe(200)
})
