import { afterAll, beforeAll, expect, test } from 'vitest'
import { LifecycleBench } from '../simulation/lifecycle-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// What is told of an instance that is looked after.

const SLOW = { timeout: 120_000 }

let bench: LifecycleBench
beforeAll(async () => {
  bench = await LifecycleBench.open(await tempDir())
})
afterAll(() => bench.close())

test(
  'what a request kept from being told of a silent application is told when it is seen again',
  SLOW,
  async () => {
    await bench.publish('services', 1, 'password 1')
    await bench.settle()
    let isPublished = false
    bench.treat = async (name, apply) => {
      if (name !== 'driver.observeApplication' || (await bench.row())?.phase !== 'run') return apply()
      if (!isPublished) {
        isPublished = true
        await bench.publish('services', 1, 'password 2')
      }
      return (silentLooks-- > 0 ? { state: 'starting', detail: 'HTTP', log: [] } : apply()) as never
    }
    let silentLooks = 12
    for (let look = 0; look < 12; look++) await bench.wait(5)
    expect(isPublished).toBe(true)
    expect(await bench.events()).toContain('application-silent')
  },
)
