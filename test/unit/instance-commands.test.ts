import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SECOND, systemClock } from '../../packages/server/src/store/clock.ts'
import { Store } from '../../packages/server/src/store/store.ts'
import { INSTANCES, instanceBody } from '../support/api-client.ts'
import { berth, berthAt } from '../support/berth-command.ts'
import { startSimulated, type SimulatedServer } from '../support/simulated-server.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Each runs commands, which take a second each, or more where the machine is busy. */
const SLOW = { timeout: 120_000 }

async function start(...words: Parameters<typeof startSimulated>): Promise<SimulatedServer> {
  const server = await startSimulated(...words)
  onTestFinished(() => server.stop())
  return server
}

async function publish({ api }: SimulatedServer, name: string): Promise<void> {
  expect((await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))).status).toBe(200)
}

/** The database as another process sees it. */
async function rows(state: string) {
  const store = await Store.openExisting(join(state, 'berth.db'))
  onTestFinished(() => store.close())
  return store.db
}

const retry = (state: string, ...words: string[]) => berth('instance', 'retry', ...words, '--state', state)
const abandon = (state: string, ...words: string[]) =>
  berth('instance', 'abandon', ...words, '--state', state)

test('a failed instance is deployed again, beside a server or before one starts', SLOW, async () => {
  const state = await tempDir()
  const broken = await startSimulated(state, { failures: [{ instance: 'vm*', at: 'start' }] })
  await publish(broken, 'vm-1')
  await publish(broken, 'vm-2')
  await broken.api.waitForStatus('vm-1', 'failed')
  await broken.api.waitForStatus('vm-2', 'failed')
  await broken.stop()

  const early = await retry(state, 'vm-1')
  expect(early, early.said).toMatchObject({ code: 0 })
  const { api } = await start(state)
  await api.waitForStatus('vm-1', 'success')
  expect((await api.instance('vm-2')).status.status).toBe('failed')

  const { said } = await retry(state, (await api.instance('vm-2')).metadata.id)
  expect(said).toBe(
    'defaultproject/default/vm-2: its deployment begins again. It is due now: a server that runs begins within 5 seconds, another when it starts.\n',
  )
  await api.waitForStatus('vm-2', 'success')
  const audit = await (
    await rows(state)
  )
    .selectFrom('audit_records')
    .select(['object_name', 'key_id'])
    .where('operation', '=', 'retry')
    .execute()
  expect(audit).toEqual(['vm-1', 'vm-2'].map((name) => ({ object_name: name, key_id: 'host' })))
})

test(
  'what waits gets all of its time again; what waits for nothing is refused with what to do',
  SLOW,
  async () => {
    const state = await tempDir()
    const server = await start(state, { vcpus: 2 })
    await publish(server, 'first')
    await server.api.waitForStatus('first', 'success')
    await publish(server, 'second')
    await server.api.waitForStatus('second', 'pending')
    const db = await rows(state)
    const startedAt = async () =>
      (
        await db
          .selectFrom('compute_instances')
          .select('phase_started_at')
          .where('name', '=', 'second')
          .executeTakeFirstOrThrow()
      ).phase_started_at
    const before = await startedAt()
    expect((await retry(state, 'second')).said).toContain('with all of its time')
    await expect.poll(startedAt, { timeout: 15_000 }).toBeGreaterThan(before)

    expect((await retry(state, 'first')).said).toContain('its guest is looked at again')
    await server.api.call('POST', `${INSTANCES}/first/action/stop`)
    await expect.poll(async () => (await server.api.instance('first')).status.powerState).toBe('stopped')
    await server.api.waitForStatus('second', 'success')
    await server.api.call('POST', INSTANCES, instanceBody('third'))
    const refusals = [
      ['first', 'it is stopped. Use the action start to start it.'],
      ['third', 'it was never published. Publish it to deploy it.'],
      ['fourth', 'No instance has the name or id "fourth". List them with: berth instance list'],
    ]
    for (const [name = '', reason] of refusals) {
      const refused = await retry(state, name)
      expect(refused.code).toBe(1)
      expect(refused.said).toContain(reason)
    }
  },
)

test.each([3600, -3600])(
  'a retry on a clock %i seconds from the server’s is taken up at once, with all of its time',
  SLOW,
  async (offset) => {
    const state = await tempDir()
    const server = await start(state, { vcpus: 2 })
    const { api } = server
    await publish(server, 'runs')
    const { metadata } = await api.waitForStatus('runs', 'success')
    await publish(server, 'waits')
    await api.waitForStatus('waits', 'pending')
    const machine = join(state, 'simulated', `${metadata.id}.json`)

    const { said } = await berthAt(offset, 'instance', 'retry', 'waits', '--state', state)
    expect(said).toContain('with all of its time')
    expect((await berthAt(offset, 'instance', 'retry', 'runs', '--state', state)).code).toBe(0)
    // Its guest ends behind the server's back, which a look at it finds out.
    const { bootId } = JSON.parse(readFileSync(machine, 'utf8')) as { bootId: string }
    writeFileSync(machine, readFileSync(machine, 'utf8').replace(`"${bootId}"`, 'null'))
    const isUpAgain = () => !readFileSync(machine, 'utf8').includes('"bootId":null')
    await expect.poll(isUpAgain, { timeout: 15_000 }).toBe(true)

    const db = await rows(state)
    const waiting = db.selectFrom('compute_instances').selectAll().where('name', '=', 'waits')
    const lag = async () => {
      const { status, phase_started_at } = await waiting.executeTakeFirstOrThrow()
      expect(status).toBe('pending')
      return Math.abs(systemClock.now() - phase_started_at)
    }
    await expect.poll(lag, { timeout: 15_000 }).toBeLessThan(60 * SECOND)
    const metrics = await (await fetch(`${api.url}/metrics`)).text()
    const delay = Number(/^berth_reconcile_delay_seconds_sum.* (\S+)$/m.exec(metrics)?.[1])
    expect(delay).toBeLessThan(60)
  },
)

test('one of several with a name is told by its workspace', SLOW, async () => {
  const state = await tempDir()
  const { api } = await start(state)
  const body = instanceBody('twin')
  await api.call('POST', 'workspaces', { ...body, kind: 'Workspace', metadata: { name: 'other' }, spec: {} })
  await api.call('POST', INSTANCES, body)
  await api.call('POST', 'workspaces/other/computeinstances', body)
  const refused = await retry(state, 'twin')
  expect(refused).toMatchObject({ code: 2 })
  expect(refused.said).toContain(
    '2 instances are called "twin": defaultproject/default/twin (ComputeInstance ',
  )
  expect((await retry(state, 'twin', '--workspace', 'other')).said).toContain(
    'defaultproject/other/twin waits for nothing',
  )
})

test('one that cannot be deleted is given up: its rows go, and what is left is named', SLOW, async () => {
  const state = await tempDir()
  const server = await start(state, {
    failures: [{ instance: 'stays', at: 'remove', message: 'The disk is busy.' }],
  })
  const { api } = server
  await publish(server, 'stays')
  const { metadata } = await api.waitForStatus('stays', 'success')

  const refused = await abandon(state, 'stays')
  expect(refused.code).toBe(1)
  expect(refused.said).toContain('is success, and nobody asked for it to be deleted. DELETE it first')
  expect((await api.instance('stays')).status.status).toBe('success')

  await api.call('DELETE', `${INSTANCES}/stays`)
  await expect.poll(async () => (await api.instance('stays')).status.reason).toContain('The disk is busy.')
  expect((await retry(state, 'stays')).said).toContain('its deletion is tried again')
  const disk = join(state, 'simulated', `${metadata.id}.json`)
  const { code, said } = await abandon(state, 'stays')
  expect(code, said).toBe(0)
  expect(said).toContain(`disk  ${disk}  rm -r ${disk}`)

  expect((await api.call('GET', `${INSTANCES}/stays`)).status).toBe(404)
  const db = await rows(state)
  for (const table of ['guest_addresses', 'public_addresses', 'external_ports', 'work_items'] as const)
    expect(await db.selectFrom(table).selectAll().execute(), table).toEqual([])
  const records = await db
    .selectFrom('audit_records')
    .innerJoin('events', 'events.object_id', 'audit_records.object_id')
    .select(['detail', 'message'])
    .where('operation', '=', 'abandon')
    .where('type', '=', 'abandoned')
    .execute()
  expect(records).toEqual([
    {
      detail: `Left on the host: disk ${disk}.`,
      message: `The operator gave it up. Left on the host: disk ${disk}.`,
    },
  ])
  // The name is free, and the server works on.
  await publish(server, 'stays')
  await api.waitForStatus('stays', 'success')
})

test('the list shows all, or what is stuck, with reasons', SLOW, async () => {
  const state = await tempDir()
  const server = await start(state, {
    failures: [
      { instance: 'bad', at: 'start', message: 'The machine is broken.' },
      { instance: 'late', at: 'hang' },
    ],
  })
  for (const name of ['good', 'bad', 'late']) await publish(server, name)
  await server.api.waitForStatus('good', 'success')
  await server.api.waitForStatus('bad', 'failed')
  const list = async (...words: string[]) =>
    (await berth('instance', 'list', ...words, '--state', state)).said.trimEnd().split('\n')
  expect(await list()).toHaveLength(4)
  const stuck = await list('--stuck')
  expect(stuck).toHaveLength(2)
  expect(stuck[0]).toMatch(/^NAME +KIND +PROJECT +WORKSPACE +STATUS +POWER +SINCE +ID +REASON$/)
  expect(stuck[1]).toMatch(
    /^bad +ComputeInstance +defaultproject +default +failed .*The machine is broken\.$/,
  )
  expect(await list('--stuck', '--project', 'elsewhere')).toEqual(['Nothing is stuck.'])

  // A step that began long ago and does not come back.
  const db = await rows(state)
  const { id } = (await server.api.instance('late')).metadata
  const hangs = { wake_at: 1, began_at: 1, leased_until: Number.MAX_SAFE_INTEGER }
  const isListed = async () => {
    const items = db.updateTable('work_items').set(hangs).where('object_id', '=', id)
    await items.where('late_since', 'is', null).execute()
    return (await list('--stuck')).some((line) => /^late .* pending, late /.test(line))
  }
  await expect.poll(isListed, { timeout: 60_000 }).toBe(true)
  const told = 'The step "Boot guest" has been under way for more than 5 minutes'
  expect((await server.api.instance('late')).status.reason).toContain(told)
  const events = db.selectFrom('events').select('message').where('object_id', '=', id)
  expect((await events.where('type', '=', 'late').execute()).at(-1)?.message).toContain(told)
  const stuckFigure = async () =>
    /^berth_stuck_objects\{kind="ComputeInstance"\} (\d+)$/m.exec(
      await (await fetch(`${server.api.url}/metrics`)).text(),
    )?.[1]
  expect(await stuckFigure()).toBe('1')
  await retry(state, 'late')
  expect(await stuckFigure()).toBe('0')
})
