import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LifecycleBench, type Treatment } from '../simulation/lifecycle-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// What becomes of a machine whose guest comes up and does not answer at its address, whatever is asked of it then.

const SLOW = { timeout: 120_000 }
const UNREACHED = {
  status: 'failed',
  power_state: 'running',
  reason: expect.stringMatching(/does not answer at its address/) as string,
}

let bench: LifecycleBench
beforeAll(async () => {
  bench = await LifecycleBench.open(await tempDir())
})
beforeEach(async () => void (await bench.beginAnew()))
afterAll(() => bench.close())

/** No guest answers at its address; each time that one is asked, `meanwhile` happens first. */
function unreachable(meanwhile: () => Promise<void> = async () => {}): Treatment {
  return async (name, apply) => {
    if (name !== 'network.answersArp') return apply()
    await meanwhile()
    return false as never
  }
}

test.each(['computeinstances', 'services'] as const)(
  'one of %s that failed there is not well for being published again',
  SLOW,
  async (kind) => {
    bench.treat = unreachable()
    for (const cpus of [1, 1, 2]) {
      await bench.publish(kind, cpus, `password ${cpus}`)
      await bench.settle()
      expect(await bench.row()).toMatchObject(UNREACHED)
    }
    bench.treat = (_name, apply) => apply()
    await bench.publish(kind, 2, 'password 2')
    await bench.settle()
    expect(await bench.row()).toMatchObject({ status: 'success', power_state: 'running' })
    expect(bench.world.processes.machineIds()).toHaveLength(1)
  },
)

test('a service that failed there is not well for being started', SLOW, async () => {
  bench.treat = unreachable()
  await bench.publish('services', 1, 'password 1')
  await bench.settle()
  await bench.act('start')
  await bench.settle()
  expect(await bench.row()).toMatchObject(UNREACHED)
})

test('what is published while it is tried does not end the trying', SLOW, async () => {
  let isPublished = false
  bench.treat = unreachable(async () => {
    if (isPublished) return
    isPublished = true
    await bench.publish('computeinstances', 2, 'password 2')
  })
  await bench.publish('computeinstances', 1, 'password 1')
  await bench.settle()
  expect(isPublished).toBe(true)
  expect(await bench.row()).toMatchObject(UNREACHED)
})

test('nor does what is published while one that ran before goes on being tried', SLOW, async () => {
  await bench.publish('computeinstances', 1, 'password 1')
  await bench.settle()
  let isPublished = false
  bench.treat = unreachable(async () => {
    if (isPublished || (await bench.row())?.status !== 'failed') return
    isPublished = true
    await bench.publish('computeinstances', 2, 'password 2')
  })
  await bench.act('reboot')
  await bench.settle()
  expect(isPublished).toBe(true)
  expect(await bench.row()).toMatchObject(UNREACHED)
})

test('one that was reached is changed without being asked again', SLOW, async () => {
  await bench.publish('computeinstances', 1, 'password 1')
  await bench.settle()
  bench.treat = unreachable()
  await bench.publish('computeinstances', 1, 'password 2')
  await bench.settle()
  expect(await bench.row()).toMatchObject({ status: 'success', power_state: 'running' })
  expect(bench.password).toBe('password 2')
})
