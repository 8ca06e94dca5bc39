import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isLocalScrape } from '../../../packages/server/src/api/routes/metrics.ts'
import { Store } from '../../../packages/server/src/store/store.ts'
import { type ApiClient, INSTANCES, instanceBody, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  const settings = { vcpus: 8, memoryMib: 4096, gpus: { A40: 2 } }
  server = await startSimulated(await tempDir(), {
    ...settings,
    failures: [{ instance: 'broken', at: 'start' }],
  })
  api = server.api
})
afterAll(() => server.stop())

async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${api.url}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

test('figures follow what instances do, without naming any of them', async () => {
  const before = await scrape()
  expect(before.get('berth_objects{kind="ComputeInstance",status="success"}')).toBe(0)
  expect(before.get('berth_stuck_objects{kind="ComputeInstance"}')).toBe(0)
  expect(before.get('berth_host_memory_bytes')).toBe(4096 * 2 ** 20)
  expect(before.get('berth_host_gpus{model="A40"}')).toBe(2)
  expect(before.get('berth_guests{power="running"}')).toBe(0)

  const size = [
    { name: 'Guest CPU Count', value: '2' },
    { name: 'Guest Memory Size', value: '1024' },
  ]
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('counted', size))
  await api.waitForStatus('counted', 'success')
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('broken', size))
  await api.waitForStatus('broken', 'failed')
  await api.call('POST', SERVICES, serviceBody('counted'))

  const after = await scrape()
  expect(after.get('berth_objects{kind="ComputeInstance",status="success"}')).toBe(1)
  expect(after.get('berth_objects{kind="ComputeInstance",status="failed"}')).toBe(1)
  expect(after.get('berth_objects{kind="Service",status="not_deployed"}')).toBe(1)
  expect(after.get('berth_objects{kind="Service",status="success"}')).toBe(0)
  expect(after.get('berth_guests{power="running"}')).toBe(1)
  expect(after.get('berth_host_vcpus_reserved')).toBeGreaterThanOrEqual(2)
  expect(after.get('berth_host_memory_reserved_bytes')).toBeGreaterThanOrEqual(1024 * 2 ** 20)
  expect(after.get('berth_reconcile_delay_seconds_count{kind="ComputeInstance"}')).toBeGreaterThan(5)
  const goOn = 'berth_reconcile_step_duration_seconds_count{kind="ComputeInstance",result="goOn"}'
  expect(after.get(goOn)).toBeGreaterThan(3)
  expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(0)
  expect(after.get('berth_troubled_objects{kind="ComputeInstance"}')).toBe(0)
  const store = await Store.openExisting(join(server.state, 'berth.db'))
  const running = store.db.updateTable('compute_instances').where('status', '=', 'success')
  // Its next look says that it runs well.
  const troubled = async () => {
    await running.set({ reason: 'Running, but the guest is paused (paused).' }).execute()
    return (await scrape()).get('berth_troubled_objects{kind="ComputeInstance"}')
  }
  await expect.poll(troubled).toBe(1)
  await store.close()
  const text = [...after.keys()].join('\n')
  expect(text).toContain('berth_build_info{version="0.1.0"')
  expect(text).not.toMatch(/counted|broken|defaultproject/)
})

test('requests are counted by the pattern of their route', async () => {
  const key = (method: string, route: string, status: number) =>
    `berth_http_requests_total{method="${method}",route="${route}",status="${status}"}`
  const instance = '/apis/paas.envmgmt.io/v1/projects/:project/workspaces/:workspace/computeinstances/:name'
  await api.call('GET', `${INSTANCES}/no-such-one`)
  await fetch(`${api.url}/wp-admin/${'x'.repeat(50)}`)
  const figures = await scrape()
  expect(figures.get(key('GET', instance, 404)), [...figures.keys()].join('\n')).toBeGreaterThanOrEqual(1)
  expect(figures.get(key('GET', 'unmatched', 404))).toBe(1)
})

test.each([
  ['a scraper on this host', { host: '127.0.0.1:7080' }, '127.0.0.1', true],
  ['the same by name', { host: 'localhost:7080' }, '::1', true],
  ['another host', { host: '10.0.0.1:7080' }, '10.0.0.9', false],
  ['a proxy on this host', { host: '127.0.0.1:7080', 'x-forwarded-for': '1.2.3.4' }, '127.0.0.1', false],
  ['a page that a name led here', { host: 'evil.example:7080' }, '127.0.0.1', false],
])('%s', (_who, headers, ip, local) => {
  expect(isLocalScrape({ headers, ip })).toBe(local)
})

test('whoever does not scrape from this host needs a key', async () => {
  const status = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${api.url}/metrics`, { headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject).end()
    })
  expect(await status({ host: 'berth.example' })).toBe(401)
  expect(await status({ host: 'berth.example', 'x-api-key': api.key })).toBe(200)
})
