import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody, serviceBody, SERVICES } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const HOST = { vcpus: 8, memoryMib: 4096, gpus: { A40: 2 } }

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir(), HOST)
  api = server.api
  await api.call('POST', 'computeprofiles', {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeProfile',
    metadata: { name: 'any-size' },
    spec: { computeType: 'vm', variables: [{ name: 'Guest Disk Size', value: '1' }] },
  })
})
afterAll(() => server.stop())

const publish = async (name: string, size: Record<string, string>) => {
  const variables = Object.entries(size).map(([variable, value]) => ({ name: variable, value }))
  const spec = { computeProfile: { name: 'any-size' }, variables }
  const answer = await api.call('POST', `${INSTANCES}?auto-publish=true`, { ...instanceBody(name), spec })
  expect(answer.status).toBe(200)
}

const SMALL = { 'Guest CPU Count': '1', 'Guest Memory Size': '512' }

test.each([
  [
    'gpu-model',
    { ...SMALL, 'gpu-model': 'NVIDIA H100 80GB', gpu: '1' },
    /needs 1 H100 GPUs, .* 0 in all \(it has 2 A40\)/,
  ],
  [
    'gpu-count',
    { ...SMALL, 'Node Type': 'gpu_a40', 'GPU Count': '3' },
    /needs 3 A40 GPUs, .* 2 in all\. Choose other GPUs/,
  ],
  ['gpu-any', { ...SMALL, 'Guest GPU Count': '3' }, /needs 3 GPUs, and this host has 2 in all\./],
  [
    'memory',
    { ...SMALL, 'Guest Memory Size': '5000' },
    /needs 5000 MiB of memory, .* 4096 in all\. Choose a smaller size/,
  ],
  ['vcpus', { ...SMALL, 'Guest CPU Count': '9' }, /needs 9 vCPUs, and this host has 8 in all\./],
])('%s that no time will make room for fails at once, with the figures', async (name, size, reason) => {
  await publish(name, size)
  const { status } = await api.waitForStatus(name, 'failed')
  expect(status.reason).toMatch(reason)
  expect(status.steps.at(-1)).toMatchObject({ name: 'Find room', state: 'failed' })
  expect(status.actions).toEqual([])
})

test('a GPU model is found by any of the names and spellings that clients send', async () => {
  for (const [name, model] of [
    ['GPU Model', 'a40'],
    ['gpu-model', 'NVIDIA A40'],
    ['Node Type', '2x-a40'],
  ] as const) {
    const instance = name.toLowerCase().replace(' ', '-')
    await publish(`by-${instance}`, { ...SMALL, [name]: model, 'GPU Count': '2' })
    const up = await api.waitForStatus(`by-${instance}`, 'success')
    expect(up.status).not.toHaveProperty('warnings')
    await api.call('DELETE', `${INSTANCES}/by-${instance}`)
    await api.waitUntilGone(`by-${instance}`)
  }
})

test('a service’s sizes grow with the GPUs that its client asks for', async () => {
  const client = [
    { name: 'GPU Count', value: '2' },
    { name: 'Node Type', value: 'A40' },
    { name: 'Pod Image', value: 'jupyter/minimal-notebook:latest' },
  ]
  await api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('nb', client, 'jupyter-notebook-v4'))
  expect((await api.waitForService('nb', 'failed')).status.reason).toContain('needs 16384 MiB of memory')
  const own = [...client, { name: 'Guest Memory Size', value: '2000' }]
  await api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('nb', own, 'jupyter-notebook-v4'))
  const up = await api.waitForService('nb', 'success')
  expect(up.status).not.toHaveProperty('warnings')
  // Sent back as it was read, a size that only repeats the profile's still is for each GPU.
  expect((await api.call('POST', SERVICES, up)).body.metadata.modifiedAt).toBe(up.metadata.modifiedAt)
  await api.call('DELETE', `${SERVICES}/nb`)
})

test('a node type that names no GPU model has no effect, and says so', async () => {
  const variables = [
    { name: 'Node Type', value: 'standard' },
    { name: 'GPU Count', value: '1' },
    { name: 'Guest Memory Size', value: '1000' },
  ]
  const applied = await api.call('POST', SERVICES, serviceBody('typed', variables, 'jupyter-notebook-v4'))
  expect(applied.body.status.warnings).toEqual([
    '"Node Type" names no GPU model and has no effect: "standard".',
  ])
})

test('what fits once others are gone is waited for, and what fits a bigger host is deployed there', async () => {
  await publish('first', { ...SMALL, 'Guest Memory Size': '3000' })
  await api.waitForStatus('first', 'success')
  await publish('second', { ...SMALL, 'Guest Memory Size': '2000' })
  const { status } = await api.waitForStatus('second', 'pending')
  await expect
    .poll(async () => (await api.instance('second')).status.reason)
    .toMatch(/^Waiting for room: needs 2000 MiB of memory, \d+ of 4096 are free on this host\.$/)
  expect(status.status).toBe('pending')
  await server.stop()
  server = await startSimulated(server.state, { ...HOST, memoryMib: 8192 })
  api = server.api
  await api.waitForStatus('second', 'success')
  await api.call('DELETE', `${INSTANCES}/first`)
  await api.waitUntilGone('first')
  expect((await api.call('POST', `${INSTANCES}/memory/publish`)).status).toBe(200)
  await api.waitForStatus('memory', 'success')
})

test('what ran before waits for a host that has become smaller', async () => {
  await api.call('POST', `${INSTANCES}/memory/action/stop`)
  await expect.poll(async () => (await api.instance('memory')).status.powerState).toBe('stopped')
  await server.stop()
  server = await startSimulated(server.state, HOST)
  api = server.api
  await api.call('POST', `${INSTANCES}/memory/action/start`)
  await expect
    .poll(async () => (await api.instance('memory')).status)
    .toMatchObject({ status: 'pending', reason: expect.stringContaining('needs 5000 MiB of memory') })
})

test.each([
  ['much', { ...SMALL, 'Guest Memory Size': '5000' }, 'it needs 5000 MiB of memory, and this host has 4096'],
  ['other', { ...SMALL, 'gpu-model': 'H100', gpu: '1' }, 'it needs 1 H100 GPUs, and this host has 0'],
])(
  'a %s size that can never start is told while the machine runs, and not waited for',
  async (name, size, never) => {
    await publish(name, SMALL)
    await api.waitForStatus(name, 'success')
    await publish(name, size)
    const { status } = await api.waitForStatus(name, 'success')
    expect(status.reason).toContain(`can never start here: ${never} in all`)
    expect(status.actions).toEqual(['stop'])
    expect(await api.call('POST', `${INSTANCES}/${name}/action/reboot`)).toMatchObject({
      status: 409,
      body: {
        message: expect.stringContaining(`cannot reboot, as its new size can never start here: ${never}`),
      },
    })
    await api.call('POST', `${INSTANCES}/${name}/action/stop`)
    await expect.poll(async () => (await api.instance(name)).status.powerState).toBe('stopped')
    await api.call('POST', `${INSTANCES}/${name}/action/start`)
    expect((await api.waitForStatus(name, 'failed')).status.reason).toContain(never)
    await publish(name, SMALL)
    await api.waitForStatus(name, 'success')
  },
)

test('a size that fits is asked for again, and a reboot takes it', async () => {
  await publish('much', { ...SMALL, 'Guest Memory Size': '5000' })
  await api.waitForStatus('much', 'success')
  await publish('much', { ...SMALL, 'Guest Memory Size': '600' })
  const { status } = await api.waitForStatus('much', 'success')
  expect(status.reason).toContain('applies when it is stopped and started again')
  expect(status.actions).toEqual(['stop', 'reboot'])
})
