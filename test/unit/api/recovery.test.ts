import { expect, test } from 'vitest'
import { INSTANCES, instanceBody } from '../../support/api-client.ts'
import { clockSetBy } from '../../support/berth-command.ts'
import { RealServer } from '../../support/real-server.ts'
import { startSimulated } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

test('after a restart, more than two pages of unfinished work all go on', { timeout: 60_000 }, async () => {
  const state = await tempDir()
  const slow = await startSimulated(state, { bootMilliseconds: 4_000, vcpus: 1_000 })
  const names = Array.from({ length: 104 }, (_, index) => `vm-${index}`)
  await Promise.all(
    names.map((name) => slow.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))),
  )
  await slow.stop()
  const server = await startSimulated(state, { vcpus: 1_000 })
  const done = async () => {
    const offsets = [0, 50, 100].map((offset) =>
      server.api.call('GET', `${INSTANCES}?limit=50&offset=${offset}`),
    )
    const items = (await Promise.all(offsets)).flatMap(
      (page) => page.body.items as { status: { status: string } }[],
    )
    return items.filter((item) => item.status.status === 'success').length
  }
  await expect.poll(done, { timeout: 50_000, interval: 500 }).toBe(104)
  await server.stop()
})

test.each([3600, -3600])(
  'a clock that is set by %i s between two servers costs no wait its time, and puts none off',
  { timeout: 120_000 },
  async (offset) => {
    const state = await tempDir()
    const settings = { BERTH_DRIVER: 'simulated', BERTH_SIMULATED: JSON.stringify({ vcpus: 2 }) }
    const first = await RealServer.start(state, settings)
    await first.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('runs'))
    await first.api.waitForStatus('runs', 'success', 30)
    await first.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('waits'))
    await first.api.waitForStatus('waits', 'pending', 30)
    await first.kill()

    const second = await RealServer.start(state, { ...settings, ...clockSetBy(offset) })
    await second.api.call('DELETE', `${INSTANCES}/runs`)
    await second.api.waitUntilGone('runs', 30)
    expect((await second.api.waitForStatus('waits', 'success', 30)).status.powerState).toBe('running')
    await second.clean()
  },
)
