import { join } from 'node:path'
import type { CensusEntry } from '@berth/contract/host/census'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QmpClient } from '../../packages/server/src/drivers/qemu/qmp-client.ts'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { Store } from '../../packages/server/src/store/store.ts'
import { INSTANCES } from '../support/api-client.ts'
import { berth } from '../support/berth-command.ts'
import { httpStatusAt } from '../support/http-status.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { TINY_PROFILE, tinyBody } from '../support/tiny-profile.ts'
import { waitFor } from '../support/wait-for.ts'

// What somebody does to running guests behind the server's back is seen, told and mended. Each guest serves HTTP,
// reached by a forward, so that "mended" is what its user would call so.

const NAMES = ['one', 'two']
let server: RealServer

beforeAll(async () => {
  server = await RealServer.start(await tempDir())
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
  for (const name of NAMES) await publish(name)
  for (const name of NAMES) await server.api.waitForStatus(name, 'success', 90)
})
afterAll(() => server.clean())

async function publish(name: string, variables: readonly object[] = []): Promise<void> {
  const body = tinyBody(name)
  const forwards = { name: 'Port Forwards', value: '[{"source":"any","internal_port":80}]' }
  const spec = { ...body.spec, variables: [forwards, ...variables] }
  await server.api.call('POST', `${INSTANCES}?auto-publish=true`, { ...body, spec })
}

const idOf = async (name: string) => (await server.api.instance(name)).metadata.id
const entries = async (kind: CensusEntry['kind'], owner?: string) =>
  (await server.census()).filter(
    (entry) => entry.kind === kind && (owner === undefined || entry.owner === owner),
  )
const processOf = async (name: string) => (await entries('process', await idOf(name)))[0]?.name ?? ''

/** Whether the guest's web server answers at its forward. */
async function answers(name: string): Promise<boolean> {
  const output = (await server.api.instance(name)).status.output['vm']?.tasks['guest'] ?? {}
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(output['Port Forwards'] ?? '')?.[1])
  return (await httpStatusAt(`http://127.0.0.1:${port}/`)) !== null
}

const answersAgain = (name: string) =>
  waitFor(() => answers(name), { deadlineSeconds: 90, what: `${name} to answer` })

/** The messages of an instance's events of a type. */
async function events(name: string, type: string): Promise<string[]> {
  const store = await Store.openExisting(join(server.state, 'berth.db'))
  const found = await store.db
    .selectFrom('events')
    .select('message')
    .where('object_name', '=', name)
    .where('type', '=', type)
    .execute()
  await store.close()
  return found.map(({ message }) => message)
}

/** Waits until the status says what is the matter, as a user sees it. */
const told = (name: string, reason: RegExp) =>
  waitFor(async () => reason.test((await server.api.instance(name)).status.reason), {
    deadlineSeconds: 15,
    what: `${name} to tell ${reason}`,
    intervalMs: 20,
  })

test('a guest that is paused by hand is told of, and goes on', async () => {
  const pid = await processOf('one')
  const qmp = await QmpClient.connect(join(server.state, 'instances', await idOf('one'), 'qmp.sock'), {
    timeoutMs: 5000,
  })
  await qmp.execute('stop')
  qmp.close()
  await waitFor(async () => (await events('one', 'guest-problem')).length > 0, {
    deadlineSeconds: 20,
    what: 'an event',
  })
  expect(await events('one', 'guest-problem')).toEqual(['The guest is paused (paused).'])
  await answersAgain('one')
  await told('one', /^Running\./)
  expect(await processOf('one')).toBe(pid)
})

test('a guest without an agent goes on when its password changes, and tells what waits', async () => {
  const pid = await processOf('two')
  await publish('two', [{ name: 'Guest Password', value: 'another password' }])
  await server.api.waitForStatus('two', 'success', 60)
  await told(
    'two',
    /^Running\. The new password applies when it is stopped and started again, since no guest/,
  )
  expect(await answers('two')).toBe(true)
  expect(await processOf('two')).toBe(pid)
})

test('a tap that is removed by hand cuts a guest off, which is told, and mended by a restart', async () => {
  const id = await idOf('one')
  const tap = (await entries('tap', id))[0]?.name ?? ''
  const [namespace = '', device = ''] = tap.split('/')
  const [pid, other] = [await processOf('one'), await processOf('two')]
  await runCommand('ip', ['-n', namespace, 'link', 'delete', device])
  await told('one', /network device is gone|Shut down guest|shutting down/)
  await server.api.waitForStatus('one', 'success', 120)
  await answersAgain('one')
  expect(await processOf('one')).not.toBe(pid)
  expect(await events('one', 'network-lost')).toEqual([
    'Its network device is gone from the host, and it is cut off; restarting it.',
  ])
  expect(await processOf('two'), 'its neighbour is left alone').toBe(other)
  expect(await answers('two')).toBe(true)
})

test('a namespace that is removed by hand is made again, and its guests are reached again', async () => {
  const [namespace] = await entries('namespace')
  await runCommand('ip', ['netns', 'delete', namespace?.name ?? ''])
  for (const name of NAMES) {
    await waitFor(async () => (await events(name, 'network-lost')).length > (name === 'one' ? 1 : 0), {
      deadlineSeconds: 30,
      what: `an event of ${name}`,
    })
  }
  for (const name of NAMES) {
    await server.api.waitForStatus(name, 'success', 180)
    await answersAgain(name)
  }
  expect((await berth('network', 'verify', '--state', server.state)).said).toContain(
    'as it should be: 2 guests',
  )
})

test('after the host was rebooted, guests that ran run again, and one that was stopped stays so', async () => {
  await server.api.call('POST', `${INSTANCES}/two/action/stop`)
  await server.api.waitForStatus('two', 'success', 120)
  const disk = join(server.state, 'instances', await idOf('one'), 'disk.qcow2')
  const before = await runCommand('stat', ['-c', '%i', disk])
  await server.kill()
  // What a reboot ends: every process, then every namespace.
  for (const { name } of await entries('process')) process.kill(Number(name), 'SIGKILL')
  await waitFor(async () => (await entries('process')).length === 0, {
    deadlineSeconds: 10,
    what: 'their end',
  })
  for (const { name } of await entries('namespace')) await runCommand('ip', ['netns', 'delete', name])
  for (const { name } of await entries('socket')) await runCommand('rm', ['-f', name])

  await server.start()
  await waitFor(async () => (await processOf('one')) !== '', { deadlineSeconds: 30, what: 'a process' })
  await server.api.waitForStatus('one', 'success', 90)
  await answersAgain('one')
  expect(await events('one', 'stopped')).toContain('The guest stopped on its own; starting it again.')
  expect(await runCommand('stat', ['-c', '%i', disk])).toBe(before)
  expect((await server.api.instance('two')).status).toMatchObject({
    status: 'success',
    powerState: 'stopped',
  })
  expect(await processOf('two')).toBe('')
  await server.api.call('POST', `${INSTANCES}/two/action/start`)
  await server.api.waitForStatus('two', 'success', 90)
  await answersAgain('two')
})

test('a guest that cannot be removed is given up beside a running server, and told how to be cleaned up', async () => {
  const id = await idOf('two')
  const directory = join(server.state, 'instances', id)
  // Not even root removes what is mounted on.
  await runCommand('mount', ['-t', 'tmpfs', 'tmpfs', directory])
  await server.api.call('DELETE', `${INSTANCES}/two`)
  await told('two', /Trying again/)
  const { code, said } = await berth('instance', 'abandon', 'two', '--state', server.state)
  expect(code, said).toBe(0)
  expect(said).toContain(`directory  ${directory}`)
  expect((await server.api.call('GET', `${INSTANCES}/two`)).status).toBe(404)
  await runCommand('umount', [directory])
  const [, ...listed] = said.slice(said.indexOf('KIND')).trim().split('\n')
  for (const line of listed) await runCommand('sh', ['-c', line.split(/ {2,}/)[2] ?? 'false'])
  expect((await server.census()).filter(({ owner }) => owner === id)).toEqual([])
  expect(await answers('one')).toBe(true)
})
