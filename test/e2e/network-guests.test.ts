import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { FirewallRule, PortForward } from '@berth/contract/network-rules'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { Store } from '../../packages/server/src/store/store.ts'
import { INSTANCES } from '../support/api-client.ts'
import { berth } from '../support/berth-command.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { networkedBody, TINY_PROFILE, tinyBody, type TinyNetwork } from '../support/tiny-profile.ts'

// Tiny guests that serve HTTP on port 80, reached from the host as an operator would. Each test goes on where
// the one before it ended. The pool has two addresses.

const pool = `127.${randomInt(70, 120)}.${randomInt(256)}.${2 * randomInt(128)}`
let server: RealServer

beforeAll(async () => {
  process.env['BERTH_PUBLIC_POOL'] = `${pool}/31`
  server = await RealServer.start(await tempDir())
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
})
afterAll(async () => {
  await server.clean()
  delete process.env['BERTH_PUBLIC_POOL']
})

const web: FirewallRule = { source_cidr: 'any', action: 'allow', application: 'http' }
const ssh: FirewallRule = { source_cidr: 'any', action: 'allow', application: 'ssh', port: 22 }

async function publish(name: string, network: TinyNetwork): Promise<void> {
  const applied = networkedBody(name, network)
  expect((await server.api.call('POST', INSTANCES, applied)).status).toBe(200)
  expect((await server.api.call('POST', `${INSTANCES}/${name}/publish`)).status).toBe(200)
}

const up = (name: string) => server.api.waitForStatus(name, 'success', 90)
const outputOf = (instance: ComputeInstance) => instance.status.output['vm']?.tasks['guest'] ?? {}
const output = async (name: string) => outputOf(await server.api.instance(name))

/** The status of GET / at a place, from an address of the host; or the code of the error. */
function visit(address: string, port: number, localAddress = '127.0.0.1'): Promise<number | string> {
  return new Promise((resolve) => {
    const asked = request({ host: address, port, localAddress, timeout: 5000, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'silence'))
    asked.end()
  })
}

const verify = () => berth('network', 'verify', '--state', server.state)

/** A program of the host that has a place which an instance wants. */
async function squat(address: string, port: number): Promise<Server> {
  const squatter = createServer().listen(port, address)
  await once(squatter, 'listening')
  return squatter
}

test('a public address answers on the ports that the rules open, and on no other', async () => {
  // Somebody has the first address, so the first instance gets the second.
  const squatter = await squat(pool, 1)
  await publish('one', { publicIp: true, rules: [web] })
  await up('one')
  squatter.close()
  await publish('two', { publicIp: true, rules: [ssh] })
  const [one, two] = [outputOf(await up('one')), outputOf(await up('two'))]
  for (const seen of [one, two]) {
    expect(seen).toMatchObject({ Port: '22', 'Port Forwards': 'No Port forward configured' })
    expect(seen['ServerHost']).toBe(seen['Public IP'])
  }
  const last = Number(pool.split('.')[3])
  const prefix = pool.split('.').slice(0, 3).join('.')
  expect([one['Public IP'], two['Public IP']]).toEqual([`${prefix}.${last + 1}`, pool])
  // HTTP's 404 is the guest's: it serves no file.
  expect(await visit(one['Public IP'] ?? '', 80)).toBeTypeOf('number')
  expect(await visit(one['Public IP'] ?? '', 22)).toBe('ECONNREFUSED')
  expect(await visit(two['Public IP'] ?? '', 80)).toBe('ECONNREFUSED')
  expect(await verify()).toEqual({ code: 0, said: 'The network is as it should be: 2 guests.\n' })
})

test('without a free address it waits, says so, and goes on when one is freed', async () => {
  await publish('three', { publicIp: true, rules: [web] })
  await expect
    .poll(async () => (await server.api.instance('three')).status, { timeout: 10_000 })
    .toMatchObject({
      status: 'pending',
      reason: 'All 2 public addresses are taken; waiting for one to be freed.',
    })
  const freed = (await output('two'))['Public IP']
  await server.api.call('DELETE', `${INSTANCES}/two`)
  expect(outputOf(await up('three'))['Public IP']).toBe(freed)
  await server.api.call('DELETE', `${INSTANCES}/three`)
  await server.api.waitUntilGone('three', 60)
})

test('it keeps its address while it is stopped, and nobody else on the host can take it', async () => {
  const before = await output('one')
  await server.api.call('POST', `${INSTANCES}/one/action/stop`)
  await server.api.waitForStatus('one', 'success', 120)
  expect((await server.api.instance('one')).status.powerState).toBe('stopped')
  const neighbour = await RealServer.start(await tempDir())
  await neighbour.api.call('POST', 'computeprofiles', TINY_PROFILE)
  const body = tinyBody('near')
  const variables = [{ name: 'Assign Public IP to Guest', value: 'True' }]
  const near = { ...body, spec: { ...body.spec, variables } }
  await neighbour.api.call('POST', `${INSTANCES}?auto-publish=true`, near)
  const other = outputOf(await neighbour.api.waitForStatus('near', 'success', 90))
  expect(other['Public IP']).not.toBe(before['Public IP'])
  await neighbour.clean()
  await server.api.call('POST', `${INSTANCES}/one/action/start`)
  expect(outputOf(await up('one'))).toMatchObject({ 'Public IP': before['Public IP'] })
  expect(await visit(before['Public IP'] ?? '', 80)).toBeTypeOf('number')
})

test('changed rules apply while it runs, by source', async () => {
  const address = (await output('one'))['Public IP'] ?? ''
  await publish('one', { publicIp: true, rules: [{ ...web, source_cidr: '127.0.0.2' }] })
  await up('one')
  expect(await visit(address, 80, '127.0.0.1')).toBe('ECONNRESET')
  expect(await visit(address, 80, '127.0.0.2')).toBeTypeOf('number')
  await publish('one', { publicIp: true, rules: [] })
  await up('one')
  expect(await visit(address, 80, '127.0.0.2')).toBe('ECONNREFUSED')
})

test('a port that a program of the host has is named, and the others open all the same', async () => {
  const address = (await output('one'))['Public IP'] ?? ''
  const squatter = await squat(address, 22)
  await publish('one', { publicIp: true, rules: [ssh, web] })
  await up('one')
  await expect
    .poll(async () => (await server.api.instance('one')).status.reason, { timeout: 20_000 })
    .toMatch(new RegExp(`^Running, but ${address}:22 is in use by .*pid ${process.pid}`))
  expect(await visit(address, 80)).toBeTypeOf('number')
  expect((await output('one'))['ServerHost']).toBe('127.0.0.1')
  squatter.close()
  await expect.poll(async () => (await output('one'))['ServerHost'], { timeout: 20_000 }).toBe(address)
  expect((await server.api.instance('one')).status.reason).toMatch(/^Running\./)
})

test('the public address gives way to forwards, which keep their ports and let in by source', async () => {
  const address = (await output('one'))['Public IP'] ?? ''
  const forwards: PortForward[] = [
    { source: '127.0.0.2', application: 'my web', internal_port: 80 },
    { source: 'any', internal_port: 22 },
  ]
  await publish('one', { forwards })
  const seen = outputOf(await up('one'))
  expect(seen['Public IP']).toBe('')
  expect(await visit(address, 80)).toBe('ECONNREFUSED')
  const lines = (seen['Port Forwards'] ?? '').split('\n')
  expect(lines[0]).toMatch(/^my web tcp 127\.0\.0\.1:\d+ -> 80 from 127\.0\.0\.2$/)
  expect(lines[1]).toBe(`tcp 127.0.0.1:${seen['Port']} -> 22 from any`)
  expect(seen['ServerHost']).toBe('127.0.0.1')
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(lines[0] ?? '')?.[1])
  expect(await visit('127.0.0.1', port, '127.0.0.1')).toBe('ECONNRESET')
  expect(await visit('127.0.0.1', port, '127.0.0.2')).toBeTypeOf('number')
  await publish('one', { forwards: forwards.toReversed(), rules: [{ ...web, action: 'drop' }] })
  expect(outputOf(await up('one'))['Port Forwards']?.split('\n')[1]).toBe(lines[0])
  expect(await visit('127.0.0.1', port, '127.0.0.2')).toBe('ECONNRESET')
})

const CHANGING = ['network.ensurePort', 'network.removeForward', 'network.ensureForward']
const TO_PUBLIC: TinyNetwork = { publicIp: true, rules: [web] }
const TO_FORWARDS: TinyNetwork = {
  forwards: [
    { source: 'any', internal_port: 80 },
    { source: 'any', internal_port: 80, protocol: 'udp' },
  ],
}

test.each([
  ['a public address', TO_PUBLIC],
  ['forwards', TO_FORWARDS],
])('dying before and after every effect of a change to %s, it still gets there', async (_what, network) => {
  await publish('one', network)
  await server.kill()
  for (const effect of CHANGING) {
    for (const when of ['before', 'after']) await server.startAndDieAt(`${effect}:${when}`)
  }
  await server.start()
  await up('one')
  expect(await verify()).toEqual({ code: 0, said: 'The network is as it should be: 1 guest.\n' })
})

test('what is lost or changed on the host is named, made again and reported', async () => {
  await publish('one', { publicIp: true, rules: [web] })
  const instance = await up('one')
  const census = await server.census()
  const namespace = census.find(({ kind }) => kind === 'namespace')?.name ?? ''
  const chain = `to-${outputOf(instance)['Private IP']}`
  // Held still, or the server might mend it before anybody looks.
  server.pause()
  await runCommand('ip', ['netns', 'exec', namespace, 'nft', 'flush', 'chain', 'inet', 'berth', chain])
  const differing = await verify()
  server.resume()
  expect(differing.code).toBe(1)
  expect(differing.said).toContain(`rules inet ${chain}`)
  await expect.poll(async () => (await verify()).code, { timeout: 60_000, interval: 2000 }).toBe(0)
  const store = await Store.openExisting(join(server.state, 'berth.db'))
  const events = await store.db
    .selectFrom('events')
    .select(['type', 'message'])
    .where('object_id', '=', instance.metadata.id)
    .where('type', '=', 'network-repaired')
    .execute()
  await store.close()
  expect(events.map(({ message }) => message).join()).toContain(`rules inet ${chain}`)
})

test('the network is shown as tables, with what its rules counted', async () => {
  const address = (await output('one'))['Public IP'] ?? ''
  const { code, said } = await berth('network', 'show', 'defaultproject', '--state', server.state)
  expect(code).toBe(0)
  expect(said).toMatch(new RegExp(`^GUEST .*\\none +10\\.64\\.0\\.\\d+ +${address} `))
  expect(said).toMatch(/\none +in +1 http +allow +any +\d+ +\d+\n/)
  expect(said).toContain(`tcp ${address}:80 -> 10.64.0.`)
  const unknown = await berth('network', 'show', 'nowhere', '--state', server.state)
  expect(unknown).toMatchObject({ code: 1, said: 'berth: There is no project "nowhere".\n' })
})

test('deleted, it leaves nothing, and its places are free again', async () => {
  await server.api.call('DELETE', `${INSTANCES}/one`)
  await server.api.waitUntilGone('one', 60)
  expect(await server.census()).toEqual([])
  const store = await Store.openExisting(join(server.state, 'berth.db'))
  for (const name of ['public_addresses', 'external_ports', 'guest_addresses'] as const)
    expect(await store.db.selectFrom(name).selectAll().execute(), name).toEqual([])
  await store.close()
})
