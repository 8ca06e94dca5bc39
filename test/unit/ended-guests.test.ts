import { afterAll, beforeAll, expect, test } from 'vitest'
import { LifecycleBench } from '../simulation/lifecycle-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// What becomes of a guest that has ended, as by a panic, while its process goes on.

let bench: LifecycleBench
beforeAll(async () => {
  bench = await LifecycleBench.open(await tempDir())
})
afterAll(() => bench.close())

/** Another machine that runs. */
async function deployed(): Promise<void> {
  await bench.beginAnew()
  await bench.publish('computeinstances', 1, 'password 1')
  await bench.settle()
}

test('it is told of and started again', async () => {
  await deployed()
  const [first] = bench.world.processes.toJSON()
  const { length } = await bench.events()
  await bench.panicGuest()
  await bench.settle()
  expect(await bench.row()).toMatchObject({ status: 'success', power_state: 'running' })
  expect((await bench.events()).slice(length)).toEqual(['stopped', 'running'])
  const processes = bench.world.processes.toJSON()
  expect(processes.map(({ bootId, isDead }) => bootId === first?.bootId || isDead)).toEqual([false])
})

test('it is stopped at once, with its process', async () => {
  await deployed()
  await bench.panicGuest()
  await bench.act('stop')
  const asked: string[] = []
  bench.treat = (name, apply) => (asked.push(name), apply())
  await bench.settle()
  expect(await bench.row()).toMatchObject({ status: 'success', power_state: 'stopped' })
  expect(bench.world.processes.toJSON()).toEqual([])
  expect(asked).not.toContain('driver.requestPowerOff')
})
