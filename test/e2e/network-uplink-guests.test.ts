import { randomBytes } from 'node:crypto'
import type { FirewallRule, PortForward } from '@berth/contract/network-rules'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTANCES } from '../support/api-client.ts'
import { kernelState } from '../support/kernel-state.ts'
import { OperatorNetwork } from '../support/operator-network.ts'
import { browse } from '../support/outside-client.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { networkedBody, TINY_PROFILE, type TinyNetwork } from '../support/tiny-profile.ts'

// Tiny guests that serve HTTP on port 80, reached over an operator's bridge by clients beyond it. Each test goes on
// where the one before it ended. The pool has two addresses.

const operator = new OperatorNetwork(randomBytes(2).toString('hex'))
const { namespace: office, addresses: OFFICE } = operator.office
const { namespace: visitor, addresses: VISITOR } = operator.visitor
const EDGE = OperatorNetwork.edgeAddress
const POOL = ['203.0.113.16', '203.0.113.17']
let server: RealServer
let before: Awaited<ReturnType<typeof kernelState>>

beforeAll(async () => {
  await operator.start()
  before = await kernelState(operator.namespace)
  server = await RealServer.start(await tempDir(), {
    BERTH_UPLINK: 'bridge',
    BERTH_UPLINK_BRIDGE: 'wan',
    BERTH_UPLINK_NAMESPACE: operator.namespace,
    BERTH_UPLINK_GATEWAY: OperatorNetwork.gateway,
    BERTH_EDGE_ADDRESS: EDGE,
    BERTH_PUBLIC_POOL: `${POOL[0]}/31`,
    BERTH_GUEST_EGRESS: 'on',
  })
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
})
afterAll(async () => {
  try {
    await server.clean()
  } finally {
    await operator.stop()
  }
})

async function publish(name: string, network: TinyNetwork): Promise<void> {
  const applied = networkedBody(name, network)
  expect((await server.api.call('POST', `${INSTANCES}?auto-publish=true`, applied)).status).toBe(200)
}

/** The output of an instance, once it is up. */
async function up(name: string): Promise<Readonly<Record<string, string>>> {
  const instance = await server.api.waitForStatus(name, 'success', 90)
  return instance.status.output['vm']?.tasks['guest'] ?? {}
}

async function remove(name: string): Promise<void> {
  expect((await server.api.call('DELETE', `${INSTANCES}/${name}`)).status).toBe(200)
}

const webFrom = (source_cidr: string): FirewallRule => ({
  source_cidr,
  action: 'allow',
  application: 'http',
  port: 80,
})
const forwardFrom = (source: string): PortForward => ({ source, application: 'my web', internal_port: 80 })
const externalPort = (output: Readonly<Record<string, string>>) =>
  /^my web tcp 203\.0\.113\.10:(\d+) -> 80 from \S+$/.exec(output['Port Forwards'] ?? '')?.[1] ?? 'none'
/** Where the guest's page is reached. */
const placeOf = (output: Readonly<Record<string, string>>) =>
  output['Public IP'] === '' ? `${EDGE}:${externalPort(output)}` : `${output['Public IP']}:80`

/** Whom the office and the visitor meet at a place: each guest's page says its name. */
async function met(place: string): Promise<string[]> {
  const pages = await Promise.all([office, visitor].map((client) => browse(client, [place])))
  return pages.flat().map((page) => /^hostname: (.*)/.exec(page)?.[1] ?? page)
}
const meet = (place: string) => expect.poll(() => met(place), { timeout: 20_000, message: place })

test('a public address leads to the port that a rule opens to its source, and to no other', async () => {
  await publish('one', { publicIp: true, rules: [webFrom(OFFICE)] })
  const output = await up('one')
  expect(POOL).toContain(output['Public IP'])
  expect(output).toMatchObject({
    'Port Forwards': 'No Port forward configured',
    Port: '22',
    ServerHost: output['Public IP'],
  })
  await meet(`${output['Public IP']}:80`).toEqual(['one', 'silence'])
  expect(await met(`${output['Public IP']}:22`)).toEqual(['silence', 'silence'])
  // The edge address is in use, and by this installation itself.
  const findings = JSON.parse((await server.berth('doctor', '--json')).said) as {
    what: string
    state: string
  }[]
  expect(findings).toContainEqual({
    what: 'Public network',
    state: 'ok',
    detail: 'the gateway 203.0.113.1 answers, and nobody else has Berth’s addresses',
  })
})

test('rules that are refused leave those that apply as they are, in the database and in the kernel', async () => {
  const namespaces = (await server.census()).filter(({ kind, owner }) => kind === 'namespace' && owner)
  const namespace = namespaces[0]?.name ?? ''
  const now = async () => [(await server.api.instance('one')).spec, (await kernelState(namespace)).rules]
  const applied = await now()
  const refused = networkedBody('one', { publicIp: true, rules: [webFrom('any'), webFrom('10.0.0.0/08')] })
  const { status, body } = await server.api.call('POST', `${INSTANCES}?auto-publish=true`, refused)
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('write 10.0.0.0/8')])
  expect(await now()).toEqual(applied)
})

test('a forward leads from its port of the edge address to the guest, for its source', async () => {
  await publish('forwarded', { forwards: [forwardFrom(VISITOR)] })
  const output = await up('forwarded')
  expect(output['Port Forwards']).toBe(`my web tcp ${EDGE}:${externalPort(output)} -> 80 from ${VISITOR}`)
  // Nothing leads tenants to its SSH.
  expect(output).toMatchObject({ 'Public IP': '', Port: '', ServerHost: '' })
  await meet(`${EDGE}:${externalPort(output)}`).toEqual(['silence', 'forwarded'])
  expect(await met(`${EDGE}:80`)).toEqual(['silence', 'silence'])
})

test('a stopped guest keeps its address; who finds none left waits, and goes on when one is freed', async () => {
  const kept = (await up('one'))['Public IP'] ?? ''
  await server.api.call('POST', `${INSTANCES}/one/action/stop`)
  await expect
    .poll(async () => (await server.api.instance('one')).status, { timeout: 120_000 })
    .toMatchObject({ status: 'success', powerState: 'stopped' })
  await publish('two', { publicIp: true, rules: [webFrom('any')] })
  const freed = (await up('two'))['Public IP'] ?? ''
  expect([kept, freed].toSorted()).toEqual(POOL)
  await meet(`${freed}:80`).toEqual(['two', 'two'])
  await publish('three', { publicIp: true, rules: [webFrom(VISITOR)] })
  await expect
    .poll(async () => (await server.api.instance('three')).status, { timeout: 20_000 })
    .toMatchObject({
      status: 'pending',
      reason: 'All 2 public addresses are taken; waiting for one to be freed.',
    })
  await remove('two')
  expect((await up('three'))['Public IP']).toBe(freed)
  await meet(`${freed}:80`).toEqual(['silence', 'three'])
  await server.api.call('POST', `${INSTANCES}/one/action/start`)
  await expect
    .poll(async () => (await server.api.instance('one')).status, { timeout: 90_000 })
    .toMatchObject({ status: 'success', powerState: 'running' })
  expect((await up('one'))['Public IP']).toBe(kept)
  await meet(`${kept}:80`).toEqual(['one', 'silence'])
  await remove('three')
  await server.api.waitUntilGone('three', 60)
})

// Each is another network than the one before it, so whichever effect the server dies at belongs to a change.
const FORWARD: TinyNetwork = { forwards: [forwardFrom(OFFICE)] }
const TO_VISITOR: TinyNetwork = { publicIp: true, rules: [webFrom(VISITOR)] }
const TO_OFFICE: TinyNetwork = { publicIp: true, rules: [webFrom(OFFICE)] }
const OFFICE_ONLY = ['one', 'silence']
const VISITOR_ONLY = ['silence', 'one']

// The project's network is followed by the guest's place on it at once: dying between them is the same twice.
test.each([
  ['network.ensureProject:before', FORWARD, OFFICE_ONLY],
  ['network.ensurePort:before', TO_VISITOR, VISITOR_ONLY],
  ['network.ensurePort:after', TO_OFFICE, OFFICE_ONLY],
  ['network.ensureForward:after', FORWARD, OFFICE_ONLY],
])('a change that a server dies at %s of is there after the next start', async (point, network, who) => {
  const earlier = placeOf(await up('one'))
  await publish('one', network)
  await server.kill()
  await server.startAndDieAt(point)
  await server.start()
  const output = await up('one')
  expect([output['Public IP'] !== '', externalPort(output) !== 'none']).toEqual([
    network.publicIp === true,
    network.forwards !== undefined,
  ])
  await expect
    .poll(() => server.berth('network', 'verify'), { timeout: 30_000 })
    .toEqual({ code: 0, said: 'The network is as it should be: 2 guests.\n' })
  const place = placeOf(output)
  await meet(place).toEqual(who)
  const left = earlier === place ? [] : [earlier]
  const others = [...left, placeOf(await up('forwarded'))]
  await expect
    .poll(() => Promise.all(others.map(met)), { timeout: 20_000 })
    .toEqual([...left.map(() => ['silence', 'silence']), ['silence', 'forwarded']])
})

test('deleted, they leave nothing, on the operator’s side either', async () => {
  expect(await kernelState(operator.namespace)).not.toEqual(before)
  for (const name of ['one', 'forwarded']) await remove(name)
  for (const name of ['one', 'forwarded']) await server.api.waitUntilGone(name, 60)
  await expect.poll(() => server.census(), { timeout: 30_000 }).toEqual([])
  expect(await kernelState(operator.namespace)).toEqual(before)
})
