import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

const good = instanceBody('vm-1')

test.each([
  ['no body', undefined, 'body'],
  ['an array', [], 'body'],
  ['malformed JSON', '{"apiVersion":', 'body'],
  ['a wrong version', { ...good, apiVersion: 'v2' }, 'apiVersion'],
  ['a wrong kind', { ...good, kind: 'Workspace' }, 'kind'],
  ['no spec', { ...good, spec: undefined }, 'spec'],
  ['no name', { ...good, metadata: {} }, 'metadata.name'],
  ['a bad name', instanceBody('Vm_1'), 'metadata.name'],
  ['a long name', instanceBody('x'.repeat(64)), 'metadata.name'],
  ['an unknown profile', instanceBody('vm-1', [], 'no-such'), 'spec.computeProfile.name'],
  [
    'a number as value',
    instanceBody('vm-1', [{ name: 'Guest CPU Count', value: 2 as never }]),
    'spec.variables[0].value',
  ],
  ['one variable twice', instanceBody('vm-1', [{ name: 'a' }, { name: 'a' }]), 'spec.variables[1].name'],
  [
    'a size that is none',
    instanceBody('vm-1', [{ name: 'Guest Memory Size', value: 'big' }]),
    'Guest Memory Size',
  ],
  [
    'a key that is none',
    instanceBody('vm-1', [{ name: 'SSH Public Keys', value: 'ssh-rsa nope' }]),
    'SSH Public Keys',
  ],
  [
    'a mask with nothing stored',
    instanceBody('vm-1', [{ name: 'Guest Password', value: '********' }]),
    'Guest Password',
  ],
  [
    'a profile’s own value',
    instanceBody('vm-1', [{ name: 'Guest GPU Count', value: '9' }]),
    'Guest GPU Count',
  ],
])('%s is refused, naming the field, and nothing is stored', async (_what, body, field) => {
  const answer = await api.call('POST', INSTANCES, body)
  expect(answer.status).toBe(400)
  expect(answer.body).toMatchObject({ code: 400, reason: 'BadRequest', field })
  expect(answer.body.message).toContain(field)
  expect(answer.body.external).toBe(answer.body.message)
  expect((await api.call('GET', INSTANCES)).body.metadata.count).toBe(0)
})

test.each(['limit=0', 'limit=x', 'offset=-1', 'order=UP', 'orderBy=password'])(
  'a list with %s is refused',
  async (query) => {
    const answer = await api.call('GET', `${INSTANCES}?${query}`)
    expect(answer.status).toBe(400)
    expect(answer.body.field).toBe(query.split('=')[0])
  },
)

test('a list without values for its parameters, or with a large limit, is served', async () => {
  const answer = await api.call('GET', `${INSTANCES}?limit=1000&offset`)
  expect(answer.body.metadata).toEqual({ count: 0, limit: 50 })
})

test('every way of having no valid key is a 401 in the error shape', async () => {
  const changed = api.key.slice(0, -1) + (api.key.endsWith('a') ? 'b' : 'a')
  for (const key of ['', 'nonsense', changed, 'ra2.aaa.bbb']) {
    const answer = await new ApiClient(api.url, key).call('GET', 'workspaces')
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ code: 401, reason: 'Unauthorized' })
  }
  const other = await api.call('GET', 'workspaces', undefined, {
    'x-api-key': '',
    'X-RAFAY-API-KEYID': api.key,
  })
  expect(other.status).toBe(200)
})

test('what does not exist is a 404 that says so', async () => {
  for (const path of [
    `${INSTANCES}/nope`,
    'workspaces/nope/computeinstances',
    'workspaces/nope',
    'computeprofiles/nope',
    '/apis/paas.envmgmt.io/v1/projects/nope/workspaces',
    '/no/such/path',
  ]) {
    const answer = await api.call('GET', path)
    expect(answer.status, path).toBe(404)
    expect(answer.body.external).toContain('not found')
  }
})

test('what is not a request is refused in the same shape', async () => {
  const broken = await api.call('GET', `${INSTANCES}/%ZZ`)
  expect(broken).toMatchObject({ status: 400, body: { code: 400, reason: 'BadRequest' } })
  const long = await api.call('GET', `${INSTANCES}/${'x'.repeat(2_000)}`)
  expect(long).toMatchObject({ status: 400, body: { reason: 'BadRequest' } })
  const headers = await api.call('GET', INSTANCES, undefined, { 'x-filler': 'x'.repeat(20_000) })
  expect(headers).toMatchObject({ status: 431, body: { code: 431, reason: 'RequestHeaderFieldsTooLarge' } })
})

test('too large a body and another encoding are refused', async () => {
  expect((await api.call('POST', INSTANCES, 'x'.repeat(300_000))).status).toBe(413)
  expect((await api.call('POST', INSTANCES, 'a: b', { 'content-type': 'application/yaml' })).status).toBe(415)
  expect(
    (await api.call('POST', INSTANCES, '{}', { 'content-type': 'application/json; charset=utf-16' })).status,
  ).toBe(415)
})

test('a compressed body is refused', async () => {
  expect((await api.call('POST', INSTANCES, '{}', { 'content-encoding': 'gzip' })).status).toBe(415)
})

test('fail-on-exists answers 409, and without it an apply updates', async () => {
  const workspace = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'dev', displayName: '' },
  }
  expect((await api.call('POST', 'workspaces?fail-on-exists=true', workspace)).status).toBe(200)
  const again = await api.call('POST', 'workspaces?fail-on-exists=true', workspace)
  expect(again.status).toBe(409)
  expect(again.body.reason).toBe('AlreadyExists')
  const renamed = { ...workspace, metadata: { name: 'dev', displayName: 'Development' } }
  expect((await api.call('POST', 'workspaces', renamed)).body.metadata.displayName).toBe('Development')
})

test('a workspace that is not empty stays, and the answer names what is in it', async () => {
  await api.call('POST', 'workspaces', {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'full' },
  })
  await api.call('POST', 'workspaces/full/computeinstances', instanceBody('held'))
  const refused = await api.call('DELETE', 'workspaces/full')
  expect(refused.status).toBe(409)
  expect(refused.body.message).toContain('held')
})

test('a profile keeps no secret', async () => {
  const profile = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeProfile',
    metadata: { name: 'careless' },
    spec: { variables: [{ name: 'Guest Password', value: 'planted' }] },
  }
  const answer = await api.call('POST', 'computeprofiles', profile)
  expect(answer.body).toMatchObject({ code: 400, field: 'Guest Password' })
  expect((await api.call('GET', 'computeprofiles/careless')).status).toBe(404)
})

test('64 variables beside the profile’s are taken, and can be sent back; 65 are not', async () => {
  const own = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `mine-${index}`, value: 'x' }))
  await api.call('POST', 'workspaces', {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Workspace',
    metadata: { name: 'many' },
  })
  const many = 'workspaces/many/computeinstances'
  expect((await api.call('POST', many, instanceBody('many', own(65)))).body).toMatchObject({
    code: 400,
    field: 'spec.variables',
  })
  const applied = await api.call('POST', many, instanceBody('many', own(64)))
  expect(applied.status).toBe(200)
  expect((await api.call('POST', many, applied.body)).body).toEqual(applied.body)
})

test.each([
  ['a number beyond all numbers', '{"spec":{"a":1e999}}', 'a'],
  ['half of a character', '{"spec":{"b":"\\ud800"}}', 'b'],
  ['too many levels', `${'['.repeat(100)}${']'.repeat(100)}`, 'body'],
  ['a broken body that holds a secret', '{"a": 1, "p": planted-secret}', 'body'],
])('%s is a 400 that names the place and repeats nothing', async (_what, text, field) => {
  const answer = await api.call('POST', INSTANCES, text)
  expect(answer.body).toMatchObject({ code: 400, field })
  expect(JSON.stringify(answer.body)).not.toContain('planted')
})

test('labels hold text only, whatever their names', async () => {
  const body = instanceBody('vm-1')
  const metadata = { ...body.metadata, labels: { 'a\nb': 5 } }
  expect((await api.call('POST', INSTANCES, { ...body, metadata })).status).toBe(400)
})

test.each(['0x10', '1e2', '2.5', '0', '-1'])('%s is no number of CPUs', async (value) => {
  const answer = await api.call('POST', INSTANCES, instanceBody('vm-1', [{ name: 'Guest CPU Count', value }]))
  expect(answer.body).toMatchObject({ code: 400, field: 'Guest CPU Count' })
})
