import { expect, test } from 'vitest'
import { Simulation, type Points } from '../simulation/simulation.ts'
import { tempDir } from '../support/temp-dir.ts'

const SEEDS = 200

test(
  `${SEEDS} seeded runs on a faulty host keep every promise, and leak nothing`,
  { timeout: 300_000 },
  async () => {
    const points: Points = { passed: new Map(), crashedAt: new Set() }
    const state = await tempDir()
    for (let seed = 1; seed <= SEEDS; seed++) await Simulation.play(seed, state, points)
    expect(points.passed.size).toBeGreaterThan(20)
    const effects = [...points.passed.keys()].filter((point) => !point.startsWith('request.'))
    console.log(points.passed)
    expect(effects.filter((point) => !points.crashedAt.has(point))).toEqual([])
  },
)
