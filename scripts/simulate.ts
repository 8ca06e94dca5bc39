import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CRASH_POINTS, type Points } from '../test/simulation/points.ts'
import { Simulation } from '../test/simulation/simulation.ts'

// npm run simulate -- --seeds 10000 [--from 1]: plays seeded runs and stops at the first that breaks a promise.

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
})
const from = Number(values.from)
const end = from + Number(values.seeds)
const points: Points = { passed: new Map(), crashedAt: new Set() }
const state = mkdtempSync(join(tmpdir(), 'berth-simulate-'))
const started = performance.now()
try {
  for (let seed = from; seed < end; seed++) {
    await Simulation.play(seed, state, points)
    if ((seed - from + 1) % 500 === 0)
      console.log(`${seed - from + 1} runs in ${Math.round((performance.now() - started) / 1000)} s`)
  }
  const crashed = CRASH_POINTS.filter((point) => points.crashedAt.has(point)).length
  console.log(
    `${end - from} runs kept every promise; the server died at ${crashed} of ${CRASH_POINTS.length} named points.`,
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.error(`Play it again with: npm run simulate -- --seeds 1 --from SEED`)
  process.exitCode = 1
} finally {
  rmSync(state, { recursive: true, force: true })
}
