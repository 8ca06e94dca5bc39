import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeEach(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterEach(() => server.stop())

test('apply, publish, watch, delete: the life of an instance', async () => {
  const applied = await api.call(
    'POST',
    INSTANCES,
    instanceBody('vm-1', [{ name: 'Guest Password', value: 'vm1234' }]),
  )
  expect(applied.status).toBe(200)
  expect(applied.body).toMatchObject({
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name: 'vm-1', project: 'defaultproject', workspace: 'default' },
    spec: { datacenter: { name: 'local' }, computeProfile: { name: 'no-gpu-vm', systemCatalog: true } },
    status: { status: 'not_deployed', actions: [], output: {} },
  })
  expect(applied.body.metadata.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)

  const published = await api.call('POST', `${INSTANCES}/vm-1/publish`)
  expect(published.status).toBe(200)
  expect(published.body.status.status).toBe('submitted')

  const up = await api.waitForStatus('vm-1', 'success')
  expect(up.status.actions).toEqual(['stop', 'reboot'])
  expect(up.status.powerState).toBe('running')
  const output = Object.values(Object.values(up.status.output)[0]?.tasks ?? {})[0]
  expect(Object.keys(output ?? {}).toSorted()).toEqual(
    [
      'Hostname',
      'OSName',
      'Username',
      'Password',
      'Private IP',
      'Public IP',
      'Port',
      'Port Forwards',
      'ServerHost',
    ].toSorted(),
  )
  expect(output).toMatchObject({
    Hostname: 'vm-1',
    Password: 'vm1234',
    'Private IP': '10.64.0.2',
    ServerHost: '127.0.0.1',
  })
  expect(up.status.steps.map((step) => [step.name, step.state])).toEqual([
    ['Find room', 'done'],
    ['Assign addresses', 'done'],
    ['Prepare image', 'done'],
    ['Attach network', 'done'],
    ['Create disk', 'done'],
    ['Start machine', 'done'],
    ['Boot guest', 'done'],
    ['Reach guest', 'done'],
    ['Set up access', 'done'],
    ['Open SSH', 'done'],
  ])

  expect((await api.call('DELETE', `${INSTANCES}/vm-1`)).status).toBe(200)
  await api.waitUntilGone('vm-1')
  expect((await api.call('DELETE', `${INSTANCES}/vm-1`)).status).toBe(404)
})

test('publish of a deployed, unchanged instance does nothing', async () => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1'))
  const up = await api.waitForStatus('vm-1', 'success')
  const again = await api.call('POST', `${INSTANCES}/vm-1/publish`, {})
  expect(again.body.status.status).toBe('success')
  expect(again.body.metadata.modifiedAt).toBe(up.metadata.modifiedAt)
})

test('what was accepted goes on after the server is gone', async () => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1'))
  await server.stop()
  server = await startSimulated(server.state)
  await server.api.waitForStatus('vm-1', 'success')
  expect((await server.api.call('GET', '/readyz')).body).toEqual({ status: 'ready', reason: '' })
})

test('reading an instance and sending it back changes nothing', async () => {
  const variables = [
    { name: 'Guest Password', value: 'vm1234' },
    { name: 'Node Type', value: '' },
    { name: 'Guest CPU Count', value: '1' },
  ]
  await api.call('POST', INSTANCES, instanceBody('vm-1', variables))
  const read = await api.instance('vm-1')
  const sent = await api.call('POST', INSTANCES, read)
  expect(sent.status).toBe(200)
  expect(sent.body).toEqual(read)
})

test('a password is masked wherever it is read, but for one instance by one who may write it', async () => {
  await api.call(
    'POST',
    `${INSTANCES}?auto-publish=true`,
    instanceBody('vm-1', [{ name: 'Guest Password', value: 'planted-secret' }]),
  )
  const up = await api.waitForStatus('vm-1', 'success')
  const spelled = JSON.stringify(up.spec)
  expect(spelled).not.toContain('planted-secret')
  expect(spelled).toContain('********')
  expect(JSON.stringify(up.status.output)).toContain('planted-secret')
  const list = await api.call('GET', INSTANCES)
  expect(JSON.stringify(list.body)).not.toContain('planted-secret')
})

test('without password and key, a password is made up and stays', async () => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1'))
  const up = await api.waitForStatus('vm-1', 'success')
  const password = up.status.output['vm']?.tasks['guest']?.['Password']
  expect(password).toMatch(/^[A-Za-z0-9]{20}$/)
  await api.call(
    'POST',
    `${INSTANCES}?auto-publish=true`,
    instanceBody('vm-1', [{ name: 'Guest CPU Count', value: '1' }]),
  )
  const again = await api.waitForStatus('vm-1', 'success')
  expect(again.status.output['vm']?.tasks['guest']?.['Password']).toBe(password)
})

test('two publishes at once and eight instances at once all succeed', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `vm-${index}`)
  await Promise.all(names.map((name) => api.call('POST', INSTANCES, instanceBody(name))))
  const published = await Promise.all(
    [...names, ...names].map((name) => api.call('POST', `${INSTANCES}/${name}/publish`)),
  )
  expect(published.map((answer) => answer.status)).toEqual(published.map(() => 200))
  const up = await Promise.all(names.map((name) => api.waitForStatus(name, 'success')))
  const addresses = up.map((instance) => instance.status.output['vm']?.tasks['guest']?.['Private IP'])
  expect(new Set(addresses).size).toBe(8)
})

test('what is sent back unchanged changes nothing: empty labels, unknown names, a profile that moved on', async () => {
  const profile = (value: string) => ({
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeProfile',
    metadata: { name: 'mine', labels: { from: 'profile' } },
    spec: { variables: [{ name: 'Fixed', value, options: { override: { type: 'notallowed' } } }] },
  })
  await api.call('POST', 'computeprofiles', profile('one'))
  const body = instanceBody('vm-1', [{ name: 'Zed', value: '' }], 'mine')
  const own = { ...body, spec: { ...body.spec, computeProfile: { name: 'mine' } } }
  const labelled = { ...own, metadata: { ...own.metadata, labels: {} } }
  const applied = await api.call('POST', INSTANCES, labelled)
  expect(applied.body.metadata.labels).toEqual({})
  expect(applied.body.spec.variables).toContainEqual({ name: 'Zed', value: '' })
  expect((await api.call('POST', INSTANCES, applied.body)).body).toEqual(applied.body)
  await api.call('POST', 'computeprofiles', profile('two'))
  const moved = await api.call('POST', INSTANCES, applied.body)
  expect(moved.status).toBe(200)
  expect(moved.body.spec.variables).toContainEqual(expect.objectContaining({ name: 'Fixed', value: 'two' }))
  const without = await api.call('POST', INSTANCES, { ...own, spec: { ...own.spec, variables: [] } })
  expect(JSON.stringify(without.body.spec.variables)).not.toContain('Zed')
})
