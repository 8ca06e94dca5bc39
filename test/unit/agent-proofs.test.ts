import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LifecycleBench } from '../simulation/lifecycle-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// What becomes of a machine whose guest has no agent, or does not come up: on the same pretended host as the other
// proofs of the lifecycle.

const SLOW = { timeout: 120_000 }
const SIZE_WAITS = 'The new size (2 vCPUs) applies when it is stopped and started again.'
const MOST_EFFECTS = 100

let bench: LifecycleBench
beforeAll(async () => {
  bench = await LifecycleBench.open(await tempDir())
})
beforeEach(beginAnew)
afterAll(() => bench.close())

async function beginAnew(): Promise<void> {
  expect(await bench.beginAnew(), 'left by the last one').toEqual([])
}

async function publish(cpus: number): Promise<void> {
  await bench.publish('computeinstances', cpus, `password ${cpus}`)
  await bench.settle()
}

async function act(action: 'start' | 'stop'): Promise<void> {
  await bench.act(action)
  await bench.settle()
}

/** A machine that runs without an agent in its guest, for which another password and size are published. */
async function changedWithoutAgent(): Promise<void> {
  await publish(1)
  bench.setAgent(false)
  await publish(2)
  expect(await bench.row()).toMatchObject({
    status: 'success',
    power_state: 'running',
    reason: `Running. ${SIZE_WAITS} The new password applies when it is stopped and started again, since no guest agent answers in it.`,
  })
  expect(bench.password).toBe('password 1')
}

test(
  'where no agent answers, a new password waits for the next start, and nothing waits with it',
  SLOW,
  async () => {
    await changedWithoutAgent()
    await act('stop')
    await act('start')
    expect(await bench.row()).toMatchObject({ status: 'success', reason: 'Running.' })
    expect(bench.password).toBe('password 2')
  },
)

test('a password that is published while the machine is off is there when it starts', SLOW, async () => {
  await publish(1)
  bench.setAgent(false)
  await act('stop')
  await publish(2)
  await act('start')
  expect(await bench.row()).toMatchObject({ status: 'success', reason: 'Running.' })
  expect(bench.password).toBe('password 2')
})

test('a password that waits is changed as soon as an agent answers', SLOW, async () => {
  await changedWithoutAgent()
  bench.setAgent(true)
  await bench.wait(70)
  expect(await bench.row()).toMatchObject({ status: 'success', reason: `Running. ${SIZE_WAITS}` })
  expect(bench.password).toBe('password 2')
})

test('an agent that may not change a password is as none, until the guest starts again', SLOW, async () => {
  await changedWithoutAgent()
  bench.setAgent(true)
  bench.treat = (name, apply) => {
    if (name === 'driver.changeAccess') throw new AgentUnavailable('refusing')
    return apply()
  }
  for (let look = 0; look < 4; look++) await bench.wait(70)
  expect(await bench.row()).toMatchObject({
    status: 'success',
    reason: `Running. ${SIZE_WAITS} The new password applies when it is stopped and started again, since the guest agent in it is configured to refuse the change.`,
  })
  expect((await bench.events()).filter((type) => type === 'agent-answers')).toHaveLength(1)
  await act('stop')
  await act('start')
  expect(await bench.row()).toMatchObject({ status: 'success', reason: 'Running.' })
  expect(bench.password).toBe('password 2')
})

test('what an agent changed since is not taken back by what the seed said before', SLOW, async () => {
  await changedWithoutAgent()
  await act('stop')
  await act('start')
  bench.setAgent(true)
  await publish(1)
  expect(bench.password).toBe('password 1')
  await act('stop')
  await act('start')
  expect(await bench.row()).toMatchObject({ status: 'success', reason: 'Running.' })
  expect(bench.password).toBe('password 1')
})

test('stop wins: asked for after any effect of a start, it ends the start', SLOW, async () => {
  await publish(1)
  await act('stop')
  for (let number = 0, wasAsked = true; wasAsked; number++) {
    expect(number, 'effects of a start').toBeLessThan(MOST_EFFECTS)
    await bench.act('start')
    wasAsked = false
    let count = 0
    bench.treat = async (_effect, apply) => {
      const result = apply()
      if (count++ === number) {
        // Another request comes while the step is at work.
        await bench.act('stop')
        wasAsked = true
      }
      return result
    }
    await bench.settle()
    bench.treat = (_effect, apply) => apply()
    const power_state = wasAsked ? 'stopped' : 'running'
    expect(await bench.row(), `effect ${number}`).toMatchObject({ status: 'success', power_state })
    expect(bench.world.processes.machineIds(), `effect ${number}`).toHaveLength(wasAsked ? 0 : 1)
  }
})
