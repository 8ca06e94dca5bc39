import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Store } from '../../../packages/server/src/store/store.ts'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

const body = (name: string, gib: string | null, more: { name: string; value: string }[] = []) =>
  instanceBody(name, [...(gib === null ? [] : [{ name: 'Guest Disk Size', value: gib }]), ...more])

async function deployed(name: string, gib: string) {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, body(name, gib))
  return api.waitForStatus(name, 'success')
}

const refusal = (wanted: number, present: number) => ({
  status: 400,
  body: {
    field: 'Guest Disk Size',
    message: expect.stringContaining(`a disk of ${wanted} GiB; the machine's has ${present} GiB`),
  },
})

test('a machine is not asked for a smaller disk than it has, running or stopped', async () => {
  const before = await deployed('kept', '40')
  expect(await api.call('POST', INSTANCES, body('kept', '30'))).toMatchObject(refusal(30, 40))
  // Left out, it would go back to the profile's.
  expect(await api.call('POST', INSTANCES, body('kept', null))).toMatchObject(refusal(20, 40))
  await api.call('POST', `${INSTANCES}/kept/action/stop`)
  await expect.poll(async () => (await api.instance('kept')).status.powerState).toBe('stopped')
  expect(await api.call('POST', INSTANCES, body('kept', '30'))).toMatchObject(refusal(30, 40))
  const after = await api.instance('kept')
  expect(after.spec).toEqual(before.spec)
  expect(after.metadata.modifiedAt).toBe(before.metadata.modifiedAt)
  expect(await api.call('POST', INSTANCES, body('kept', '40'))).toMatchObject({ status: 200 })
  expect((await api.call('POST', INSTANCES, body('kept', '50'))).status).toBe(200)
  // What was asked for and not yet given may be taken back.
  expect((await api.call('POST', INSTANCES, body('kept', '40'))).status).toBe(200)
})

test('what grew while it was stopped does not shrink', async () => {
  await deployed('grown', '25')
  await api.call('POST', `${INSTANCES}/grown/action/stop`)
  await expect.poll(async () => (await api.instance('grown')).status.powerState).toBe('stopped')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, body('grown', '35'))
  await api.waitForStatus('grown', 'success')
  expect(await api.call('POST', INSTANCES, body('grown', '30'))).toMatchObject(refusal(30, 35))
})

test('what is not deployed yet takes any size', async () => {
  for (const size of ['40', '20', '30', '10']) {
    expect((await api.call('POST', INSTANCES, body('new', size))).status).toBe(200)
  }
})

test('a smaller size that an earlier version took is not published, and is said to differ', async () => {
  await deployed('older', '40')
  await server.stop()
  const store = await Store.open(join(server.state, 'berth.db'))
  const rows = store.db.selectFrom('compute_instances').selectAll().where('name', '=', 'older')
  const { id, variables, generation } = await rows.executeTakeFirstOrThrow()
  await store.db
    .updateTable('compute_instances')
    .set({ variables: variables.replace('"40"', '"30"'), generation: generation + 1, machine_facts: null })
    .where('id', '=', id)
    .execute()
  await store.close()
  server = await startSimulated(server.state)
  api = server.api
  expect((await api.instance('older')).status.warnings).toEqual([
    'The machine keeps its disk of 40 GiB: 30 GiB are asked for, and a disk never shrinks.',
  ])
  expect(await api.call('POST', `${INSTANCES}/older/publish`)).toMatchObject(refusal(30, 40))
  // Applied again as it is, it is left as it is; a change beside it needs no other size.
  expect((await api.call('POST', INSTANCES, body('older', '30'))).status).toBe(200)
  expect(
    (await api.call('POST', INSTANCES, body('older', '30', [{ name: 'Firewall Rules', value: '[]' }])))
      .status,
  ).toBe(200)
  expect((await api.call('POST', `${INSTANCES}?auto-publish=true`, body('older', '40'))).status).toBe(200)
  expect((await api.waitForStatus('older', 'success')).status).not.toHaveProperty('warnings')
})

test('a profile that has become smaller refuses nothing, and the machine is said to keep its disk', async () => {
  const profile = (gib: string) => ({
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeProfile',
    metadata: { name: 'shrinking' },
    spec: {
      computeType: 'vm',
      variables: [
        { name: 'Guest CPU Count', value: '1' },
        { name: 'Guest Memory Size', value: '512' },
        { name: 'Guest Disk Size', value: gib, options: { override: { type: 'notallowed' } } },
      ],
    },
  })
  const instance = (description: string) => ({
    ...instanceBody('vm'),
    metadata: { name: 'vm', description },
    spec: { computeProfile: { name: 'shrinking' }, variables: [] },
  })
  await api.call('POST', 'computeprofiles', profile('8'))
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instance('one'))
  await api.waitForStatus('vm', 'success')
  await api.call('POST', 'computeprofiles', profile('4'))
  for (const description of ['one', 'two']) {
    const applied = await api.call('POST', `${INSTANCES}?auto-publish=true`, instance(description))
    expect(applied.status).toBe(200)
    expect(applied.body.status.warnings).toEqual([
      'The machine keeps its disk of 8 GiB: 4 GiB are asked for, and a disk never shrinks.',
    ])
  }
  expect(await api.waitForStatus('vm', 'success')).toMatchObject({ metadata: { description: 'two' } })
})
