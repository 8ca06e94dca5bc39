import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { waitFor } from '../../support/wait-for.ts'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH user@host'

let server: SimulatedServer
let api: ApiClient

beforeEach(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterEach(() => server.stop())

const config = (members: object) => ({ name: 'Jupyter Notebook Config', value: JSON.stringify(members) })

/** The output's keys and their values, of whatever template and task. */
async function output(name: string): Promise<Record<string, string>> {
  const [template] = Object.values((await api.service(name)).status.output)
  const [task] = Object.values(template?.tasks ?? {})
  return Object.fromEntries(Object.entries(task ?? {}).map(([key, { value }]) => [key, value]))
}

async function deploy(name: string, variables: { name: string; value: string }[], profile?: string) {
  const answer = await api.call(
    'POST',
    `${SERVICES}?auto-publish=true`,
    serviceBody(name, variables, profile),
  )
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return api.waitForService(name, 'success')
}

test('the guide’s services section, from apply to gone', async () => {
  const applied = await api.call('POST', SERVICES, {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Service',
    metadata: {
      workspace: 'dev1',
      project: 'vm-project',
      labels: { 'paas.envmgmt.io/compute_type': 'vm', 'paas.envmgmt.io/compute_type_provider': 'kvm' },
      name: 'notebook-from-api-vm-1',
      description: 'This is notebook created from API',
    },
    spec: {
      serviceProfile: { name: 'vmaas-notebook', systemCatalog: true },
      variables: [
        {
          name: 'Jupyter Notebook Config',
          value:
            '{"Jupyter_Notebook_Enabled":"True","Jupyter_Notebook_Token":"token1","Jupyter_Notebook_Hostname":"notebook.firmuscloud.co","Jupyter_Notebook_Nginx_Port":"443","Route_53_DNS":"True","Jupyter_Notebook_Image":"jupyter/minimal-notebook:latest"}',
        },
        { name: 'Certificate Handling', value: 'True' },
        {
          name: 'Firewall Rules',
          value:
            '[{"source_cidr":"any","action":"allow","application":"ssh","port":22,"protocol":"tcp"},{"source_cidr":"any","action":"allow","application":"https","port":443,"protocol":"tcp"}]',
        },
        { name: 'Enable OTEL Collector', value: 'True' },
        { name: 'Port Forwards', value: '' },
        { name: 'Guest Password', value: 'password' },
        { name: 'SSH Public Keys', value: KEY },
      ],
    },
  })
  expect(applied.status, JSON.stringify(applied.body)).toBe(200)
  expect(applied.body).toMatchObject({
    kind: 'Service',
    metadata: { name: 'notebook-from-api-vm-1', project: 'defaultproject', workspace: 'default' },
    spec: { serviceProfile: { name: 'vmaas-notebook' }, datacenter: { name: 'local' } },
    status: { status: 'not_deployed', actions: [], output: {} },
  })
  const path = `${SERVICES}/notebook-from-api-vm-1`
  const published = await api.call('POST', `${path}/publish`, {})
  expect(published.body.status).toMatchObject({ status: 'submitted', output: {} })

  const up = await api.waitForService('notebook-from-api-vm-1', 'success')
  expect(up.status).toMatchObject({ powerState: 'running', actions: ['stop'] })
  const reached = await output('notebook-from-api-vm-1')
  expect(Object.keys(reached)).toEqual([
    'Host Name',
    'Token',
    'SSH Command',
    'Username',
    'Password',
    'Private IP',
    'Public IP',
  ])
  const address = reached['Public IP'] ?? ''
  expect(address).toMatch(/^127\./)
  expect(reached).toMatchObject({
    'Host Name': `https://${address}/`,
    Token: 'token1',
    'SSH Command': `ssh debian@${address}`,
    Username: 'debian',
    Password: 'password',
  })

  const reboot = await api.call('POST', `${path}/action/reboot`, {})
  expect(reboot).toMatchObject({ status: 400, body: { field: 'action' } })
  expect(reboot.body.message).toBe('action: must be one of start, stop; got "reboot".')
  for (const [action, power, next] of [
    ['stop', 'stopped', ['start']],
    ['start', 'running', ['stop']],
  ] as const) {
    expect((await api.call('POST', `${path}/action/${action}`, {})).status).toBe(200)
    const settled = await api.waitForService('notebook-from-api-vm-1', 'success')
    expect(settled.status).toMatchObject({ powerState: power, actions: next })
  }
  expect(await output('notebook-from-api-vm-1')).toEqual(reached)
  expect((await api.call('DELETE', path)).status).toBe(200)
  const gone = async () => (await api.call('GET', path)).status === 404
  await waitFor(gone, { deadlineSeconds: 10, what: 'the service to be gone' })
  expect((await api.call('DELETE', path)).body.message).toContain(
    'Service "notebook-from-api-vm-1" not found in workspace "default".',
  )
})

test('a VM and a service of one name are two objects, in lists of their own', async () => {
  await api.call('POST', INSTANCES, instanceBody('twin'))
  await api.call('POST', SERVICES, serviceBody('twin'))
  const vms = (await api.call('GET', INSTANCES)).body
  const services = (await api.call('GET', SERVICES)).body
  expect(vms).toMatchObject({ kind: 'ComputeInstanceList', metadata: { count: 1 } })
  expect(services).toMatchObject({ kind: 'ServiceList', metadata: { count: 1 } })
  expect(vms.items[0].metadata.id).not.toBe(services.items[0].metadata.id)
  await api.call('DELETE', `${SERVICES}/twin`)
  const gone = async () => (await api.call('GET', `${SERVICES}/twin`)).status === 404
  await waitFor(gone, { deadlineSeconds: 10, what: 'the service to be gone' })
  expect((await api.instance('twin')).metadata.id).toBe(vms.items[0].metadata.id)
})

test('services are listed in pages, and fail-on-exists refuses a second one', async () => {
  for (const name of ['a', 'b', 'c']) await api.call('POST', SERVICES, serviceBody(name))
  const page = (await api.call('GET', `${SERVICES}?limit=2&offset=1&orderBy=name&order=ASC`)).body
  expect(page.metadata).toEqual({ count: 3, limit: 2, offset: 1 })
  expect(page.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['b', 'c'])
  const again = await api.call('POST', `${SERVICES}?fail-on-exists=true`, serviceBody('a'))
  expect(again).toMatchObject({ status: 409, body: { reason: 'AlreadyExists' } })
  expect(again.body.message).toBe('Service "a" already exists in workspace "default".')
})

test('a workspace that holds services is not deleted, and says which', async () => {
  await api.call('POST', INSTANCES, instanceBody('vm-1'))
  await api.call('POST', SERVICES, serviceBody('nb-1'))
  const refused = await api.call('DELETE', 'workspaces/default')
  expect(refused.status).toBe(409)
  expect(refused.body.message).toBe(
    'Workspace "default" is not empty: it holds the compute instances vm-1 and the services nb-1. Delete them first.',
  )
})

test('a token that nobody gave is made up once, and stays while nobody gives one', async () => {
  await deploy('nb', [config({ Jupyter_Notebook_Nginx_Port: 8443 })])
  const first = await output('nb')
  expect(first['Token']).toMatch(/^[A-Za-z0-9]{40}$/)
  expect(first['Host Name']).toBe(`https://${first['Public IP']}:8443/`)
  await deploy('nb', [config({ Jupyter_Notebook_Nginx_Port: 8444 })])
  const second = await output('nb')
  expect(second['Token']).toBe(first['Token'])
  expect(second['Host Name']).toBe(`https://${first['Public IP']}:8444/`)
  await deploy('nb', [config({ Jupyter_Notebook_Enabled: 'False' })])
  expect(await output('nb')).not.toHaveProperty('Token')
  await deploy('nb', [config({ Jupyter_Notebook_Enabled: 'True' })])
  expect((await output('nb'))['Token']).toBe(first['Token'])
  await deploy('nb', [config({ Jupyter_Notebook_Token: 'mine' })])
  expect((await output('nb'))['Token']).toBe('mine')
})

test('port forwards replace the public address, and the URL follows them', async () => {
  const forwards = JSON.stringify([{ source: 'any', application: 'notebook', internal_port: 80 }])
  const plain = { name: 'Certificate Handling', value: 'False' }
  await deploy('nb', [plain, { name: 'Port Forwards', value: forwards }])
  const reached = await output('nb')
  expect(reached['Public IP']).toBe('')
  expect(reached['Host Name']).toMatch(/^http:\/\/127\.0\.0\.1:3\d{4}\/$/)
  const elsewhere = JSON.stringify([{ source: 'any', application: 'other', internal_port: 9999 }])
  await deploy('nb', [plain, { name: 'Port Forwards', value: elsewhere }])
  expect((await output('nb'))['Host Name']).toBe('')
})

test('publish of a deployed, unchanged service does nothing', async () => {
  const up = await deploy('nb', [config({ Jupyter_Notebook_Token: 'token1' })])
  const again = await api.call('POST', `${SERVICES}/nb/publish`)
  expect(again).toMatchObject({ status: 200, body: { status: { status: 'success' } } })
  expect(await api.service('nb')).toEqual(up)
})

test('what was accepted goes on after the server is gone', async () => {
  await api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('nb'))
  await server.stop()
  server = await startSimulated(server.state)
  api = server.api
  await api.waitForService('nb', 'success')
  expect((await output('nb'))['Host Name']).toMatch(/^https:/)
  expect((await api.call('GET', '/readyz')).body).toEqual({ status: 'ready', reason: '' })
})

test('a service that its user switched off is a machine without the application', async () => {
  await deploy('nb', [config({ Jupyter_Notebook_Enabled: 'False', Jupyter_Notebook_Token: 'token1' })])
  expect(Object.keys(await output('nb'))[0]).toBe('SSH Command')
})

test('another image restarts the machine, and the service answers with it', async () => {
  await deploy('notebook', [config({ Jupyter_Notebook_Image: 'jupyter/minimal-notebook:one' })])
  const { status } = await deploy('notebook', [
    config({ Jupyter_Notebook_Image: 'jupyter/minimal-notebook:two' }),
  ])
  expect(status).toMatchObject({ powerState: 'running', reason: 'Running.' })
  expect(status.steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Shut down guest', 'Fetch container image', 'Boot guest', 'Start application']),
  )
})

test('switched on where the machine was started without it, the application is served', async () => {
  const off = await deploy('notebook', [config({ Jupyter_Notebook_Enabled: 'False' })])
  expect(off.status.reason).toContain('switched off')
  const on = await deploy('notebook', [config({ Jupyter_Notebook_Enabled: 'True' })])
  expect(on.status.reason).toBe('Running.')
  expect(on.status.steps.map(({ name }) => name)).toContain('Start application')
  expect((await output('notebook'))['Host Name']).toMatch(/^https:/)
})

/** Another server on the same state, where applications do not stay up, or do. */
async function restarted(applicationsEnd: boolean): Promise<void> {
  await server.stop()
  const failures = applicationsEnd ? [{ instance: 'nb', at: 'application' as const }] : []
  server = await startSimulated(server.state, { failures })
  api = server.api
}

test('an application that does not come back is failed, and a success once it answers again', async () => {
  await deploy('nb', [])
  await restarted(true)
  const { status } = await api.waitForService('nb', 'failed')
  expect(status).toMatchObject({ powerState: 'running', actions: ['start', 'stop'] })
  expect(status.reason).toMatch(
    /^The application does not stay up\. .* Start it, or publish it, to try again\.$/,
  )
  await restarted(false)
  expect((await api.waitForService('nb', 'success')).status).toMatchObject({
    reason: 'Running.',
    actions: ['stop'],
  })
})

test.each(['action/start', 'publish'])('%s heals a service whose application failed', async (way) => {
  const before = await deploy('nb', [])
  await restarted(true)
  await api.waitForService('nb', 'failed')
  expect((await api.call('POST', `${SERVICES}/nb/${way}`, {})).status).toBe(200)
  expect((await api.waitForService('nb', 'failed')).status.steps.at(-1)?.name).toBe('Start application')
  await restarted(false)
  expect((await api.call('POST', `${SERVICES}/nb/${way}`, {})).status).toBe(200)
  const healed = await api.waitForService('nb', 'success')
  expect(healed.status).toMatchObject({ powerState: 'running', reason: 'Running.' })
  expect(healed.status.output).toEqual(before.status.output)
  expect(healed.status.steps.map(({ name }) => name)).not.toContain('Boot guest')
})
