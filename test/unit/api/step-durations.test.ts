import { expect, onTestFinished, test } from 'vitest'
import { INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Deploys an instance. @returns how long the boot was said to take while it was under way */
async function bootOf({ api }: SimulatedServer, name: string): Promise<number | undefined> {
  await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))
  const usual = await waitFor(
    async () => {
      const step = (await api.instance(name)).status.steps.at(-1)
      return step?.name === 'Boot guest' && step.state === 'running' ? { seconds: step.usualSeconds } : null
    },
    { deadlineSeconds: 15, what: `${name} to boot` },
  )
  await api.waitForStatus(name, 'success')
  const done = (await api.instance(name)).status.steps
  expect(done.filter(({ usualSeconds }) => usualSeconds !== undefined)).toEqual([])
  return usual.seconds
}

test('a step that runs tells how long it took lately, also after a restart', async () => {
  const state = await tempDir()
  const behaviour = { bootMilliseconds: 700 }
  const first = await startSimulated(state, behaviour)
  expect(await bootOf(first, 'one')).toBeUndefined()
  expect(await bootOf(first, 'two')).toBeGreaterThanOrEqual(0.7)
  await first.stop()
  const second = await startSimulated(state, behaviour)
  onTestFinished(() => second.stop())
  expect(await bootOf(second, 'three')).toBeGreaterThanOrEqual(0.7)
})
