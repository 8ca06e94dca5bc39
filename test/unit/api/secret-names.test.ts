import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Store } from '../../../packages/server/src/store/store.ts'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { filesBelow } from '../../support/files-below.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SECRET = 'planted-secret-Zq81'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
  await applyProfile('plain', [{ name: 'Guest CPU Count', value: '1' }])
})
afterAll(() => server.stop())

/** A profile that declares no password. */
async function applyProfile(name: string, variables: object[], spec: object = {}) {
  return api.call('POST', 'computeprofiles', {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeProfile',
    metadata: { name },
    spec: { ...spec, variables },
  })
}

function body(name: string, variables: { name: string; value: string }[], profile = 'plain') {
  const whole = instanceBody(name, variables)
  return { ...whole, spec: { ...whole.spec, computeProfile: { name: profile } } }
}

/** The variables of an instance's row, which are changed first when they are given. */
async function storedVariables(instance: string, variables?: string): Promise<string> {
  await server.stop()
  const store = await Store.open(join(server.state, 'berth.db'))
  const row = await store.db
    .updateTable('compute_instances')
    .set(variables === undefined ? { name: instance } : { variables })
    .where('name', '=', instance)
    .returning('variables')
    .executeTakeFirstOrThrow()
  await store.close()
  server = await startSimulated(server.state)
  api = server.api
  return row.variables
}

test.each([
  ['Guest Pasword', 'Guest Password'],
  ['guest password', 'Guest Password'],
  ['Password', 'Guest Password'],
  ['PASSWORD', 'Guest Password'],
  ['pasword', 'password'],
  ['jupyter notebook config', 'Jupyter Notebook Config'],
])('a secret that is misspelt as %j is refused where the profile declares none', async (name, meant) => {
  const refused = await api.call('POST', INSTANCES, body('leak', [{ name, value: SECRET }]))
  expect(refused).toMatchObject({ status: 400, body: { field: name } })
  expect(refused.body.message).toContain(`write "${meant}"`)
  expect((await api.call('POST', INSTANCES, body('leak', [{ name, value: '' }]))).status).toBe(200)
})

test('a service’s configuration on a compute instance has no effect, says so, and is a secret', async () => {
  const value = JSON.stringify({ Jupyter_Notebook_Token: SECRET })
  for (const name of ['Jupyter Notebook Config', 'Inference Config']) {
    const applied = await api.call('POST', INSTANCES, body('config', [{ name, value }]))
    expect(applied).toMatchObject({ status: 200 })
    expect(JSON.stringify(applied.body)).not.toContain(SECRET)
    expect(applied.body.status.warnings).toContain(
      `"${name}" is for services, and has no effect on a compute instance.`,
    )
    expect((await api.call('POST', INSTANCES, applied.body)).body).toEqual(applied.body)
  }
  for (const path of filesBelow(server.state)) expect(readFileSync(path).includes(SECRET), path).toBe(false)
})

test('two passwords that differ are refused, and one that is said twice is taken', async () => {
  const both = (second: string) => [
    { name: 'Guest Password', value: 'first-password' },
    { name: 'password', value: second },
  ]
  for (const profile of ['plain', 'no-gpu-vm']) {
    const refused = await api.call('POST', INSTANCES, body('both', both('second-password'), profile))
    expect(refused).toMatchObject({ status: 400, body: { field: 'password' } })
    expect(refused.body.message).toContain('another password than "Guest Password"')
    const taken = await api.call('POST', INSTANCES, body('both', both('first-password'), profile))
    expect(taken.status).toBe(200)
    expect((await api.call('POST', INSTANCES, taken.body)).body).toEqual(taken.body)
    // One that is stored counts as what it is, not as its mask.
    const changed = [{ name: 'Guest Password', value: '********' }, both('third-password')[1]!]
    expect((await api.call('POST', INSTANCES, body('both', changed, profile))).status).toBe(400)
  }
})

test('what an earlier version stored in the clear is sealed when it is read and sent back', async () => {
  await api.call('POST', INSTANCES, body('former', [{ name: 'region', value: SECRET }]))
  const variables = JSON.stringify([{ name: 'password', value: SECRET }])
  await storedVariables('former', variables)
  const read = await api.instance('former')
  expect(JSON.stringify(read)).not.toContain(SECRET)
  expect((await api.call('POST', INSTANCES, read)).body).toEqual(read)
  expect(await storedVariables('former')).not.toContain(SECRET)
  await api.call('POST', `${INSTANCES}/former/publish`)
  const up = await api.waitForStatus('former', 'success')
  expect(up.status.output['vm']?.tasks['guest']?.['Password']).toBe(SECRET)
})

test.each([
  ['of virtual machines', [{ name: 'password', value: SECRET }], {}],
  ['of something else', [{ name: 'password', value: SECRET }], { computeType: 'slurm' }],
  ['with a mask', [{ name: 'password', value: '********' }], {}],
  [
    'with a mask of what is sensitive',
    [{ name: 'NGC Key', value: '********', options: { sensitive: true } }],
    {},
  ],
])('an exported profile %s is kept without its secret', async (_what, variables, spec) => {
  const { value: _, ...kept } = variables[0]!
  const stored = await applyProfile('exported', variables, spec)
  expect(stored).toMatchObject({ status: 200 })
  expect(stored.body.spec.variables).toEqual([kept])
  expect(stored.headers.get('warning')).toContain(String.raw`The value of \"${kept.name}\" is not kept`)
  expect((await applyProfile('exported', variables, spec)).body).toEqual(stored.body)
})

test('a secret that a profile declares is refused', async () => {
  for (const variable of [{ name: 'Guest Password' }, { name: 'password', options: { sensitive: true } }]) {
    const refused = await applyProfile('told', [{ ...variable, value: SECRET }])
    expect(refused).toMatchObject({ status: 400, body: { field: variable.name } })
  }
})
