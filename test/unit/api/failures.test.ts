import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody, serviceBody, SERVICES } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir(), {
    failures: [
      { instance: 'no-disk', at: 'disk', message: 'The disk is full. Free some space and publish again.' },
      { instance: 'no-start', at: 'start' },
      { instance: 'bad-boot*', at: 'boot', message: 'cloud-init found no datasource' },
      { instance: 'hangs*', at: 'hang' },
      { instance: 'stays', at: 'remove', message: 'The disk is busy.' },
    ],
  })
  api = server.api
})
afterAll(() => server.stop())

test.each([
  ['no-disk', 'The disk is full. Free some space and publish again.', 'Create disk', []],
  ['no-start', 'Simulated failure at start.', 'Start machine', ['start', 'stop']],
  ['bad-boot-1', 'cloud-init found no datasource', 'Boot guest', ['stop']],
])('%s fails with its real cause, at its step, and can be deleted', async (name, cause, step, actions) => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))
  const failed = await api.waitForStatus(name, 'failed')
  expect(failed.status.reason).toContain(cause)
  expect(failed.status.steps.at(-1)).toMatchObject({ name: step, state: 'failed' })
  expect(failed.status.actions).toEqual(actions)
  expect((await api.call('POST', `${INSTANCES}/${name}/publish`)).body.status.status).toBe('submitted')
  await api.waitForStatus(name, 'failed')
  await api.call('DELETE', `${INSTANCES}/${name}`)
  await api.waitUntilGone(name)
})

test.each([
  ['hangs-1', INSTANCES, instanceBody('hangs-1')],
  [
    'hangs-2',
    SERVICES,
    serviceBody('hangs-2', [
      { name: 'Jupyter Notebook Config', value: '{"Jupyter_Notebook_Token":"token 1"}' },
    ]),
  ],
])('a guest that does not come up, %s, can be stopped while it boots', async (name, kind, body) => {
  const read = async () => (await api.call('GET', `${kind}/${name}`)).body.status
  await api.call('POST', `${kind}?auto-publish=true`, body)
  await expect.poll(async () => (await read()).steps.at(-1)?.name).toBe('Boot guest')
  expect(await read()).toMatchObject({ status: 'pending', powerState: 'running', actions: ['stop'] })
  const stopped = await api.call('POST', `${kind}/${name}/action/stop`)
  expect(stopped.body.status).toMatchObject({ status: 'pending', actions: [], reason: 'Stopping.' })
  await expect.poll(async () => (await read()).status, { timeout: 5000 }).toBe('success')
  expect(await read()).toMatchObject({ powerState: 'stopped', actions: ['start'], reason: 'Stopped.' })
})

test('a delete that fails says why and that it is being retried', async () => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('stays'))
  await api.waitForStatus('stays', 'success')
  await api.call('DELETE', `${INSTANCES}/stays`)
  await expect
    .poll(async () => (await api.instance('stays')).status.reason)
    .toMatch(/^The disk is busy\. Trying again \(attempt \d+\)\.$/)
  expect((await api.instance('stays')).status).toMatchObject({ status: 'destroying', actions: [] })
})

test('a public IP and port forwards exclude each other', async () => {
  const variables = [
    { name: 'Assign Public IP to Guest', value: 'True' },
    { name: 'Port Forwards', value: '[{"source":"any","internal_port":80}]' },
  ]
  const refused = await api.call('POST', INSTANCES, instanceBody('both', variables))
  expect(refused.body).toMatchObject({ code: 400, field: 'Port Forwards' })
  const none = [variables[0]!, { name: 'Port Forwards', value: '[]' }]
  expect((await api.call('POST', INSTANCES, instanceBody('both', none))).status).toBe(200)
})
