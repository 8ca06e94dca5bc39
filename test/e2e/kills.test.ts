import type { ComputeInstance } from '@berth/contract/compute-instance'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTANCES } from '../support/api-client.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { TINY_PROFILE, tinyBody } from '../support/tiny-profile.ts'

// The server dies before and after every effect that deploying and deleting a real guest has on the host.

let server: RealServer

beforeAll(async () => {
  server = await RealServer.start(await tempDir())
  await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
  await server.kill()
})
afterAll(() => server.clean())

const points = (...effects: string[]) => effects.flatMap((effect) => [`${effect}:before`, `${effect}:after`])
const DEPLOYING = points(
  'network.ensureProject',
  'network.ensurePort',
  'driver.ensureDisk',
  'driver.ensureSeed',
  'driver.ensureRunning',
  'network.ensureForward',
)
const DELETING = points(
  'network.removeForward',
  'driver.remove',
  'network.removePort',
  'network.removeProject',
)

async function guestProcesses(id: string): Promise<number> {
  const census = await server.census()
  return census.filter((entry) => entry.kind === 'process' && entry.owner === id).length
}

test('dying before and after every effect of a deployment, it still ends in one guest', async () => {
  await server.start()
  const published = await server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody('tiny'))
  expect(published.status).toBe(200)
  await server.kill()
  for (const point of DEPLOYING) await server.startAndDieAt(point)
  await server.start()
  const { metadata } = await server.api.waitForStatus('tiny', 'success', 90)
  expect(await guestProcesses(metadata.id)).toBe(1)
})

test('dying before and after every effect of a delete, it still leaves nothing', async () => {
  expect((await server.api.call('DELETE', `${INSTANCES}/tiny`)).status).toBe(200)
  await server.kill()
  for (const point of DELETING) await server.startAndDieAt(point)
  await server.start()
  await server.api.waitUntilGone('tiny', 60)
  expect(await server.census()).toEqual([])
})

test('50 guests asked for at once all run or wait with a true reason, and deleted at once leave nothing', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `crowd-${index}`)
  const asked = await Promise.all(
    names.map((name) => server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody(name))),
  )
  expect(asked.filter((answer) => answer.status === 200)).toHaveLength(50)
  const instances = async () => (await server.api.call('GET', INSTANCES)).body.items as ComputeInstance[]
  const settled = async () => {
    const statuses = (await instances()).map(({ status }) => status)
    const up = statuses.filter(({ status }) => status === 'success').length
    const waiting = statuses.filter(
      ({ status, reason }) => status === 'pending' && /needs 1 vCPUs, 0 of \d+ are free/.test(reason),
    )
    return { up, waiting: waiting.length, all: up + waiting.length }
  }
  await expect.poll(settled, { timeout: 240_000, interval: 1_000 }).toMatchObject({ all: 50 })
  const { up } = await settled()
  expect(up).toBeGreaterThan(1)

  // Room that is given back goes to one that waits.
  const running = (await instances()).filter(({ status }) => status.status === 'success')
  const [gone] = running.map(({ metadata }) => metadata.name)
  await server.api.call('DELETE', `${INSTANCES}/${gone}`)
  await expect.poll(settled, { timeout: 60_000, interval: 1_000 }).toEqual({ up, waiting: 49 - up, all: 49 })

  const deleted = await Promise.all(names.map((name) => server.api.call('DELETE', `${INSTANCES}/${name}`)))
  expect(deleted.filter((answer) => answer.status === 200)).toHaveLength(49)
  await expect
    .poll(async () => (await server.api.call('GET', INSTANCES)).body.metadata.count, { timeout: 120_000 })
    .toBe(0)
  expect(await server.census()).toEqual([])
})
