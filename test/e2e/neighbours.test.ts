import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTANCES } from '../support/api-client.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { TINY_PROFILE, tinyBody } from '../support/tiny-profile.ts'

// Two installations on one host, each with tiny guests of its own.

let first: RealServer
let second: RealServer

beforeAll(async () => {
  first = await RealServer.start(await tempDir())
  second = await RealServer.start(await tempDir())
  for (const server of [first, second]) {
    await server.api.call('POST', 'computeprofiles', TINY_PROFILE)
  }
})
afterAll(async () => {
  await first.clean()
  await second.clean()
})

test('two installations deploy side by side with the same addresses, and deleting in one leaves the other alone', async () => {
  for (const server of [first, second]) {
    await server.api.call('POST', `${INSTANCES}?auto-publish=true`, tinyBody('guest'))
  }
  const [mine, other] = await Promise.all(
    [first, second].map((server) => server.api.waitForStatus('guest', 'success', 60)),
  )
  const output = (instance: typeof mine) => instance?.status.output['vm']?.tasks['guest'] ?? {}
  expect(output(mine)['Private IP']).toBe(output(other)['Private IP'])
  expect(output(mine)['Port']).not.toBe(output(other)['Port'])

  const namesOf = async (server: RealServer) =>
    (await server.census()).map((entry) => `${entry.kind} ${entry.name}`).toSorted()
  const before = await namesOf(second)
  await first.api.call('DELETE', `${INSTANCES}/guest`)
  await first.api.waitUntilGone('guest', 60)
  expect(await first.census()).toEqual([])
  expect(await namesOf(second)).toEqual(before)
  expect((await second.api.instance('guest')).status.status).toBe('success')
})

test('a guest that is killed by hand is started again', async () => {
  const { id } = (await second.api.instance('guest')).metadata
  const pidOf = async () =>
    (await second.census()).find((entry) => entry.kind === 'process' && entry.owner === id)?.name ?? ''
  const pid = await pidOf()
  process.kill(Number(pid), 'SIGKILL')
  await expect.poll(pidOf, { timeout: 60_000 }).not.toBe(pid)
  await second.api.waitForStatus('guest', 'success', 60)
})
