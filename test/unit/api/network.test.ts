import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { decisionOf } from '../../../packages/server/src/lifecycle/deploy/decision.ts'
import type { PhaseInput } from '../../../packages/server/src/lifecycle/deploy/phase.ts'
import { placeOf } from '../../../packages/server/src/lifecycle/deploy/phases.ts'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir(), {}, { publicPool: '127.64.0.0/31' })
  api = server.api
})
afterAll(() => server.stop())

const outputOf = ({ status }: ComputeInstance) => status.output['vm']?.tasks['guest'] ?? {}
const publicIp = [{ name: 'Assign Public IP to Guest', value: 'True' }]
const forwards = (...wanted: object[]) => [{ name: 'Port Forwards', value: JSON.stringify(wanted) }]

test('a public address is kept from publish to delete, and then is the next one’s', async () => {
  for (const name of ['one', 'two'])
    await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name, publicIp))
  const one = outputOf(await api.waitForStatus('one', 'success'))
  const two = outputOf(await api.waitForStatus('two', 'success'))
  expect(new Set([one['Public IP'], two['Public IP']])).toEqual(new Set(['127.64.0.0', '127.64.0.1']))
  expect(one).toMatchObject({ ServerHost: one['Public IP'], Port: '22' })

  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('three', publicIp))
  await expect
    .poll(async () => (await api.instance('three')).status.reason)
    .toBe('All 2 public addresses are taken; waiting for one to be freed.')
  expect((await api.instance('three')).status.status).toBe('pending')
  await api.call('POST', `${INSTANCES}/one/action/stop`)
  await expect.poll(async () => (await api.instance('one')).status.powerState).toBe('stopped')
  expect(outputOf(await api.instance('one'))['Public IP']).toBe(one['Public IP'])
  await api.call('DELETE', `${INSTANCES}/two`)
  expect(outputOf(await api.waitForStatus('three', 'success'))['Public IP']).toBe(two['Public IP'])
})

test('waiting for an address ends at its deadline, with the reason', () => {
  const place = placeOf('up:address')
  if (!place) throw new Error('no such phase')
  const row = { phase_started_at: 0, steps: '[]', desired_power: 'running', status: 'pending' }
  const input = { row } as unknown as PhaseInput
  const wait = { wait: 'All 2 public addresses are taken; waiting for one to be freed.', seconds: 2 }
  const inTime = decisionOf(input, place, wait, 0, 899 * 1_000_000)
  expect(inTime.patch).toMatchObject({ status: 'pending', reason: wait.wait })
  const late = decisionOf(input, place, wait, 0, 900 * 1_000_000)
  expect(late.patch).toMatchObject({ status: 'failed', phase: 'idle' })
  expect(late.patch.reason).toBe(`${wait.wait} That took longer than 15 minutes. Publish it to try again.`)
})

test('forwards have ports of their own that stay while the list changes', async () => {
  const web = { source: '10.0.0.0/8', application: 'web', internal_port: 80 }
  const dns = { source: 'any', internal_port: 53, protocol: 'udp' }
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('forwarded', forwards(web, dns)))
  const lines = outputOf(await api.waitForStatus('forwarded', 'success'))['Port Forwards']?.split('\n')
  expect(lines).toEqual([
    expect.stringMatching(/^web tcp 127\.0\.0\.1:3\d{4} -> 80 from 10\.0\.0\.0\/8$/),
    expect.stringMatching(/^udp 127\.0\.0\.1:3\d{4} -> 53 from any$/),
  ])
  const ssh = { source: 'any', internal_port: 22 }
  await api.call('POST', INSTANCES, instanceBody('forwarded', forwards(ssh, web)))
  await api.call('POST', `${INSTANCES}/forwarded/publish`)
  await expect
    .poll(async () => outputOf(await api.instance('forwarded'))['Port Forwards']?.split('\n')[1])
    .toBe(lines?.[0])
  const after = outputOf(await api.instance('forwarded'))
  expect(after['Port Forwards']).toContain(`tcp 127.0.0.1:${after['Port']} -> 22 from any`)
})

const rule = { source_cidr: 'any', action: 'allow', application: 'ssh', port: 22 }
test.each([
  ['nft syntax in a source', { ...rule, source_cidr: '0.0.0.0/0; flush ruleset' }],
  ['quotes and newlines in a source', { ...rule, source_cidr: '"10.0.0.1"\naccept' }],
  ['an unknown application', { source_cidr: 'any', action: 'allow', application: 'ssh }; drop' }],
  ['port 0', { ...rule, port: 0 }],
  ['port 70000', { ...rule, port: 70_000 }],
  ['an IPv6 source', { ...rule, source_cidr: '2001:db8::/32' }],
  ['a port with a fraction', { ...rule, port: 22.5 }],
  ['a port of text', { ...rule, port: '22; drop' }],
  ['an unknown protocol', { ...rule, protocol: 'tcp; drop' }],
  ['an unknown action', { ...rule, action: 'accept; flush ruleset' }],
  ['a prefix that is too long', { ...rule, source_cidr: '10.0.0.0/33' }],
  ['a prefix below 0', { ...rule, source_cidr: '10.0.0.0/-1' }],
  ['two prefixes', { ...rule, source_cidr: '10.0.0.0/8/8' }],
  ['a byte above 255', { ...rule, source_cidr: '10.0.0.256' }],
  ['a short address', { ...rule, source_cidr: '10.1' }],
  ['a hexadecimal address', { ...rule, source_cidr: '0x0a000001' }],
  ['a list with a gap', { ...rule, source_cidr: '10.0.0.1,,10.0.0.2' }],
  ['an empty source', { ...rule, source_cidr: '' }],
])('%s is refused, and nothing is stored', async (_what, bad) => {
  const variables = [{ name: 'Firewall Rules', value: JSON.stringify([bad]) }]
  const answer = await api.call('POST', INSTANCES, instanceBody('hostile', variables))
  expect(answer).toMatchObject({ status: 400 })
  expect((await api.call('GET', `${INSTANCES}/hostile`)).status).toBe(404)
})

const way = { source: 'any', internal_port: 80 }
test.each([
  ['nft syntax in a source', { ...way, source: '10.0.0.1 } accept' }],
  ['CIDR nonsense', { ...way, source: '10.0.0.0/99' }],
  ['port 0', { ...way, internal_port: 0 }],
  ['port 70000', { ...way, internal_port: 70_000 }],
  ['an unknown protocol', { ...way, protocol: 'icmp' }],
])('a forward with %s is refused, and nothing is stored', async (_what, bad) => {
  const answer = await api.call('POST', INSTANCES, instanceBody('hostile', forwards(bad)))
  expect(answer).toMatchObject({ status: 400 })
  expect((await api.call('GET', `${INSTANCES}/hostile`)).status).toBe(404)
})

test('257 rules are refused, and what is odd but harmless is taken', async () => {
  const rules = (count: number, application: string) => [
    {
      name: 'Firewall Rules',
      value: JSON.stringify(Array.from({ length: count }, () => ({ ...rule, application }))),
    },
  ]
  expect((await api.call('POST', INSTANCES, instanceBody('many', rules(257, 'ssh')))).status).toBe(400)
  const odd = instanceBody('many', rules(256, '"; flush ruleset #\n\u0000'))
  expect((await api.call('POST', `${INSTANCES}?auto-publish=true`, odd)).status).toBe(200)
  await api.waitForStatus('many', 'success')
})
