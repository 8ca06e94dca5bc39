import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeEach(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1'))
  await api.waitForStatus('vm-1', 'success')
})
afterEach(() => server.stop())

async function act(action: string) {
  return api.call('POST', `${INSTANCES}/vm-1/action/${action}`, {})
}

async function afterAction(action: string) {
  const accepted = await act(action)
  expect(accepted.status).toBe(200)
  expect(accepted.body.status).toMatchObject({
    status: 'pending',
    actions: action === 'start' ? ['stop'] : [],
  })
  return api.waitForStatus('vm-1', 'success')
}

test('stop, start and reboot end in success, with the actions that fit', async () => {
  const stopped = await afterAction('stop')
  expect(stopped.status).toMatchObject({ powerState: 'stopped', actions: ['start'], reason: 'Stopped.' })
  const started = await afterAction('start')
  expect(started.status).toMatchObject({
    powerState: 'running',
    actions: ['stop', 'reboot'],
    reason: 'Running.',
    network: {
      outgoing: 'project',
      incoming: 'host',
      message: expect.stringMatching(/^Guests reach nothing/),
    },
  })
  expect(started.status.output['vm']?.tasks['guest']?.['Private IP']).toBe(
    stopped.status.output['vm']?.tasks['guest']?.['Private IP'],
  )
  const rebooted = await afterAction('reboot')
  expect(rebooted.status).toMatchObject({ powerState: 'running', actions: ['stop', 'reboot'] })
  expect(rebooted.status.steps.map((step) => step.name)).toContain('Shut down guest')
})

test('an action that does not fit is a 409 that says what does, an unknown one a 400', async () => {
  expect((await act('start')).body).toMatchObject({ code: 409, reason: 'Conflict' })
  expect((await act('start')).body.message).toContain('stop or reboot')
  expect((await act('explode')).body).toMatchObject({ code: 400, field: 'action' })
  await act('stop')
  const racing = await Promise.all([act('stop'), act('reboot'), act('start')])
  expect(racing.map((answer) => answer.status)).toEqual([409, 409, 409])
  await api.waitForStatus('vm-1', 'success')
})

test('a stopped machine stays stopped across a restart of the server and across a publish', async () => {
  await afterAction('stop')
  await server.stop()
  server = await startSimulated(server.state)
  api = server.api
  await api.call(
    'POST',
    `${INSTANCES}?auto-publish=true`,
    instanceBody('vm-1', [{ name: 'Guest CPU Count', value: '4' }]),
  )
  const published = await api.waitForStatus('vm-1', 'success')
  expect(published.status).toMatchObject({ powerState: 'stopped', actions: ['start'] })
})

test('a new size waits for the next start, and the reason says so until then', async () => {
  await api.call(
    'POST',
    `${INSTANCES}?auto-publish=true`,
    instanceBody('vm-1', [{ name: 'Guest CPU Count', value: '4' }]),
  )
  const published = await api.waitForStatus('vm-1', 'success')
  expect(published.status.reason).toContain('4 vCPUs')
  await afterAction('stop')
  const started = await afterAction('start')
  expect(started.status.reason).toBe('Running.')
})

test('a publish while it stops or reboots lets it go down first, and applies then', async () => {
  const four = instanceBody('vm-1', [{ name: 'Guest CPU Count', value: '4' }])
  await act('stop')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, four)
  const stopped = await api.waitForStatus('vm-1', 'success')
  expect(stopped.status).toMatchObject({ powerState: 'stopped', actions: ['start'], reason: 'Stopped.' })
  await afterAction('start')
  await act('reboot')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1'))
  const rebooted = await api.waitForStatus('vm-1', 'success')
  expect(rebooted.status).toMatchObject({ powerState: 'running', reason: 'Running.' })
  expect(rebooted.status.steps.map((step) => step.name)).toContain('Boot guest')
})

test('of actions that race, one is accepted, and it is what happens', async () => {
  await api.waitForStatus('vm-1', 'success')
  const asked = ['stop', 'reboot', 'stop', 'reboot', 'stop', 'reboot']
  const answers = await Promise.all(asked.map((action) => act(action)))
  const accepted = asked.filter((_, index) => answers[index]?.status === 200)
  expect(accepted).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(asked.length - 1)
  const ended = await api.waitForStatus('vm-1', 'success')
  expect(ended.status.powerState).toBe(accepted[0] === 'stop' ? 'stopped' : 'running')
  if (ended.status.powerState === 'stopped') await act('start')
  await api.waitForStatus('vm-1', 'success')
})

test('a delete wins over an action', async () => {
  await act('stop')
  expect((await api.call('DELETE', `${INSTANCES}/vm-1`)).status).toBe(200)
  const refused = [await act('start'), await api.call('POST', `${INSTANCES}/vm-1/publish`)]
  for (const answer of refused) expect([404, 409]).toContain(answer.status)
  await api.waitUntilGone('vm-1')
})

test('one model of GPU does not count against another', async () => {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('h200', [], 'h200-8gpu-vm'))
  await api.waitForStatus('h200', 'success')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('a40', [], 'a40-4gpu-vm'))
  const beside = await api.waitForStatus('a40', 'success')
  expect(beside.status.powerState).toBe('running')
})

test('an instance that finds no room waits, saying what is missing, and goes on when there is room', async () => {
  const body = (name: string) => instanceBody(name, [], 'h200-8gpu-vm')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, body('big-1'))
  await api.waitForStatus('big-1', 'success')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, body('big-2'))
  const waiting = await api.waitForStatus('big-2', 'pending')
  await expect
    .poll(async () => (await api.instance('big-2')).status.reason)
    .toContain('needs 8 H200 GPUs, 0 of 8 are free')
  expect(waiting.status.actions).toEqual([])
  await api.call('POST', `${INSTANCES}/big-1/action/stop`)
  await api.waitForStatus('big-2', 'success', 15)
})
