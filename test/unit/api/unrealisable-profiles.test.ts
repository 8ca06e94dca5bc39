import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ComputeInstanceRow } from '../../../packages/server/src/store/schema.ts'
import { Store } from '../../../packages/server/src/store/store.ts'
import { type ApiClient, INSTANCES, instanceBody, serviceBody, SERVICES } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

/** A compute profile as a vendor's catalogue exports it. */
const exported = (name: string, spec: object, labels: Record<string, string> = {}) => ({
  apiVersion: 'paas.envmgmt.io/v1',
  kind: 'ComputeProfile',
  metadata: {
    name,
    displayName: name,
    id: '019b3b5c-426d-7cf2-a792-4204965a7fdb',
    projectID: 'lk5xnd2',
    modifiedAt: '2025-10-13T22:53:43.122049Z',
    labels,
  },
  spec: {
    type: 'Compute',
    allocationType: 'Dedicated',
    scalabilityType: 'Fixed',
    sharing: { shareMode: 'All' },
    output: [{ name: 'endpoint', options: { displayMetadata: { label: 'Endpoint', weight: '2.5' } } }],
    envVars: [{ key: 'REGION', value: 'ca', options: { override: { type: 'notallowed' }, mask: false } }],
    ...spec,
  },
  status: { globalSettings: { agents: [], billing: {}, quota: {} } },
})

const SLURM = {
  computeType: 'slurm',
  environmentTemplate: { name: 'slurm-cluster', version: 'v3' },
  variables: [
    { name: 'Worker Count', valueType: 'text', value: '2', options: { override: { type: 'allowed' } } },
    { name: 'Guest CPU Count', valueType: 'expression', value: '$(ctx.flavour.cpus)$' },
    { name: 'partitions', valueType: 'hcl', value: '{ a = "b" }' },
  ],
}

const from = (name: string, profile: string) => {
  const body = instanceBody(name)
  return { ...body, spec: { ...body.spec, computeProfile: { name: profile } } }
}

/** Makes an instance's row what an earlier version made of it. */
async function keepAs(
  name: string,
  columns: Partial<Pick<ComputeInstanceRow, 'profile' | 'labels' | 'deploy_generation'>>,
): Promise<void> {
  await server.stop()
  const store = await Store.open(join(server.state, 'berth.db'))
  await store.db.updateTable('compute_instances').set(columns).where('name', '=', name).execute()
  await store.close()
  server = await startSimulated(server.state)
  api = server.api
}

test.each([
  ['slurm', SLURM, {}, 'has the computeType "slurm"'],
  [
    'labelled',
    { variables: [] },
    { 'paas.envmgmt.io/compute_type': 'cluster' },
    'has the computeType "cluster"',
  ],
  ['pods', { environmentTemplate: { name: 'dev-pods', version: 'v1' } }, {}, 'the template "dev-pods"'],
  [
    'worked-out',
    { computeType: 'vm', variables: [{ name: 'Guest CPU Count', valueType: 'expression', value: '$(x)$' }] },
    {},
    'gives "Guest CPU Count" a value of the type "expression"',
  ],
])('the exported profile %s is kept, and an instance of it refused', async (name, spec, labels, why) => {
  const profile = exported(name, spec, labels)
  const stored = await api.call('POST', 'computeprofiles', profile)
  expect(stored).toMatchObject({ status: 200, body: { spec } })
  expect(stored.headers.get('warning')).toContain('cannot be deployed')
  for (const query of ['', '?auto-publish=true']) {
    const refused = await api.call('POST', INSTANCES + query, from('vm', name))
    expect(refused).toMatchObject({ status: 400, body: { field: 'spec.computeProfile.name' } })
    expect(refused.body.message).toContain(why)
    expect(refused.body.message).toContain('ask who keeps the catalogue to')
  }
  expect((await api.call('GET', `${INSTANCES}/vm`)).status).toBe(404)
})

test('what the remedy says makes it deployable', async () => {
  const spec = { ...SLURM, computeType: 'VM' }
  await api.call('POST', 'computeprofiles', exported('mended', spec))
  const own = [{ name: 'Guest CPU Count', value: '2' }]
  const body = from('mended-vm', 'mended')
  expect((await api.call('POST', INSTANCES, body)).status).toBe(400)
  const applied = await api.call('POST', `${INSTANCES}?auto-publish=true`, {
    ...body,
    spec: { ...body.spec, variables: own },
  })
  expect(applied.status).toBe(200)
  await api.waitForStatus('mended-vm', 'success')
})

test('a service profile without an application is kept, and a service of it refused', async () => {
  const profile = {
    ...exported('nim', {
      isComputeRequired: true,
      serviceType: 'nimservices',
      environmentTemplate: { name: 'nim', version: 'v1' },
      variables: [{ name: 'NGC Key', options: { sensitive: true } }],
    }),
    kind: 'ServiceProfile',
  }
  expect((await api.call('POST', 'serviceprofiles', profile)).status).toBe(200)
  const body = serviceBody('nim-1')
  const own = { ...body, spec: { ...body.spec, serviceProfile: { name: 'nim' }, variables: [] } }
  const refused = await api.call('POST', `${SERVICES}?auto-publish=true`, own)
  expect(refused).toMatchObject({ status: 400, body: { field: 'spec.serviceProfile.name' } })
  expect(refused.body.message).toContain('has no spec.application')
})

test('an instance that was applied before its profile was told apart is not published, and says why', async () => {
  const body = { ...from('old', 'mine'), spec: { computeProfile: { name: 'mine' }, variables: [] } }
  await api.call('POST', 'computeprofiles', exported('mine', { computeType: 'vm', variables: [] }))
  await api.call('POST', INSTANCES, body)
  await keepAs('old', { profile: JSON.stringify({ computeType: 'slurm' }) })
  expect(await api.call('POST', `${INSTANCES}/old/publish`)).toMatchObject({
    status: 400,
    body: { field: 'spec.computeProfile.name', message: expect.stringContaining('"slurm"') },
  })
  const { status } = await api.instance('old')
  expect(status.status).toBe('not_deployed')
  expect(status.warnings?.[0]).toContain('computeType "slurm"')
})

const LABEL = 'paas.envmgmt.io/compute_type'
const TEMPLATE = { environmentTemplate: { name: 'acme-vm', version: 'v1' }, variables: [] }
const bare = (name: string, profile: string) => {
  const body = from(name, profile)
  return { ...body, spec: { ...body.spec, variables: [] } }
}

test.each([
  ['absent', TEMPLATE],
  ['empty', { ...TEMPLATE, computeType: '' }],
])(
  'a profile of virtual machines by its label only is deployed, with a computeType that is %s',
  async (name, spec) => {
    const profile = `by-label-${name}`
    expect(
      (await api.call('POST', 'computeprofiles', exported(profile, spec, { [LABEL]: 'vm' }))).status,
    ).toBe(200)
    const body = bare(profile, profile)
    const own = { ...body, metadata: { ...body.metadata, labels: {} } }
    const applied = await api.call('POST', INSTANCES, own)
    expect(applied).toMatchObject({ status: 200 })
    expect(applied.headers.get('warning')).not.toContain('template')
    expect(await api.call('POST', `${INSTANCES}/${profile}/publish`)).toMatchObject({ status: 200 })
    await api.waitForStatus(profile, 'success')
  },
)

test('an environment template that is named by a text is one', async () => {
  const profile = exported('by-text', { environmentTemplate: 'acme-pods', variables: [] })
  expect((await api.call('POST', 'computeprofiles', profile)).headers.get('warning')).toContain('acme-pods')
  expect((await api.call('POST', INSTANCES, bare('vm', 'by-text'))).status).toBe(400)
})

test('what an earlier version applied of such a profile is told by its labels, and can be deployed', async () => {
  await api.call('POST', 'computeprofiles', exported('former', TEMPLATE, { [LABEL]: 'vm' }))
  await api.call('POST', INSTANCES, bare('former', 'former'))
  const publish = async () => (await api.call('POST', `${INSTANCES}/former/publish`)).status
  const kept = JSON.stringify(exported('former', TEMPLATE).spec)
  // By the labels that it took, then by the profile's that has the name, then since it was deployed.
  await keepAs('former', { profile: kept })
  const read = await api.instance('former')
  expect(JSON.stringify(read.status.warnings)).not.toContain('template')
  expect(await publish()).toBe(200)
  await api.waitForStatus('former', 'success')
  await keepAs('former', { profile: kept, labels: '{}' })
  expect(await publish()).toBe(200)
  await api.call('POST', 'computeprofiles', exported('former', TEMPLATE))
  expect(await publish()).toBe(200)
  await api.call('POST', 'computeprofiles', exported('former', TEMPLATE, { [LABEL]: 'vm' }))
  // Applied as it was, it keeps what its profile says, and nobody sees a change.
  const { metadata, spec } = await api.instance('former')
  const again = { ...bare('former', 'former'), metadata: { ...metadata, labels: {} }, spec }
  expect((await api.call('POST', INSTANCES, again)).body.metadata).toEqual(metadata)
  await keepAs('former', { deploy_generation: null })
  await api.call('POST', 'computeprofiles', exported('former', TEMPLATE))
  expect(await publish()).toBe(200)
})

test('what an earlier version applied of a profile of something else by its label is not published', async () => {
  await api.call('POST', 'computeprofiles', exported('nodes', { variables: [] }, { [LABEL]: 'vm' }))
  await api.call('POST', INSTANCES, bare('nodes', 'nodes'))
  await keepAs('nodes', { profile: '{"variables":[]}', labels: JSON.stringify({ [LABEL]: 'cluster' }) })
  const refused = await api.call('POST', `${INSTANCES}/nodes/publish`)
  expect(refused).toMatchObject({ status: 400, body: { message: expect.stringContaining('"cluster"') } })
  expect((await api.instance('nodes')).status.warnings?.[0]).toContain('"cluster"')
  await keepAs('nodes', { profile: '{"variables":[]}', labels: null })
  await api.call('POST', 'computeprofiles', exported('nodes', { variables: [] }, { [LABEL]: 'cluster' }))
  expect((await api.call('POST', `${INSTANCES}/nodes/publish`)).status).toBe(400)
})

test('a profile that says no size is deployed with one that is told', async () => {
  const spec = {
    computeType: 'vm',
    variables: [
      { name: 'memory', value: '16' },
      { name: 'cpu', value: '2' },
      { name: 'region', value: 'ca' },
    ],
  }
  await api.call('POST', 'computeprofiles', exported('nameless', spec))
  const told =
    /profile nor the instance says its memory and disk: it gets 1024 MiB of memory and a disk of 10 GiB/
  const body = { ...from('sizes', 'nameless'), spec: { computeProfile: { name: 'nameless' }, variables: [] } }
  const applied = await api.call('POST', `${INSTANCES}?auto-publish=true`, body)
  expect(applied.body.status.warnings).toEqual([expect.stringMatching(told)])
  const { status } = await api.waitForStatus('sizes', 'success')
  expect(status.reason).toMatch(told)
  expect(status.steps.find(({ name }) => name === 'Find room')?.detail).toMatch(told)
  const full = await api.call('POST', INSTANCES, instanceBody('full'))
  expect(full.body.status).not.toHaveProperty('warnings')
})

test.each([
  ['gpu', '1 x NVIDIA', 'a number of GPUs'],
  ['gpu', 'true', 'a number of GPUs'],
  ['cpu', 'shared', 'a number of vCPUs'],
  ['ssh-key', 'from the portal', 'SSH keys'],
])(
  'what another catalogue means by %j, such as %j, has no effect and a warning',
  async (name, value, words) => {
    const spec = { computeType: 'vm', variables: [{ name, value }] }
    const stored = await api.call('POST', 'computeprofiles', exported('own-words', spec))
    expect(stored).toMatchObject({ status: 200, body: { spec } })
    const told = `The profile's "${name}" has no effect: "${value}" cannot be read as ${words}.`
    expect(stored.headers.get('warning')).toContain(told.replaceAll('"', String.raw`\"`))
    const body = bare('own-words', 'own-words')
    const applied = await api.call('POST', INSTANCES, body)
    expect(applied).toMatchObject({ status: 200 })
    expect(applied.body.status.warnings).toContain(told)
    // Sent back as it was read it is still the profile's; an instance's own is held to the meaning.
    expect(await api.call('POST', INSTANCES, applied.body)).toMatchObject({ status: 200 })
    const own = (text: string) => ({ ...body, spec: { ...body.spec, variables: [{ name, value: text }] } })
    expect(await api.call('POST', INSTANCES, own('otherwise'))).toMatchObject({
      status: 400,
      body: { field: name },
    })
    await api.call('DELETE', `${INSTANCES}/own-words`)
    await api.waitUntilGone('own-words')
  },
)

test('a number that another catalogue writes under a name of its own counts, as does an instance’s', async () => {
  const spec = {
    computeType: 'vm',
    variables: [
      { name: 'gpu', value: 'any' },
      { name: 'cpu', value: '2' },
    ],
  }
  await api.call('POST', 'computeprofiles', exported('counted', spec))
  const body = bare('counted', 'counted')
  const own = { ...body, spec: { ...body.spec, variables: [{ name: 'gpu', value: '0' }] } }
  const { warnings = [] } = (await api.call('POST', INSTANCES, own)).body.status
  expect(JSON.stringify(warnings)).not.toMatch(/vCPU|"gpu/)
})
