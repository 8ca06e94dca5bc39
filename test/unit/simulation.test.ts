import { expect, test } from 'vitest'
import { Installation } from '../simulation/installation.ts'
import { CRASH_POINTS, type Points } from '../simulation/points.ts'
import { Simulation } from '../simulation/simulation.ts'
import { tempDir } from '../support/temp-dir.ts'

const SEEDS = 200

test(
  `${SEEDS} seeded runs on a faulty host keep every promise, and leak nothing`,
  { timeout: 300_000 },
  async () => {
    const points: Points = { passed: new Map(), crashedAt: new Set() }
    const installation = await Installation.open(await tempDir())
    for (let seed = 1; seed <= SEEDS; seed++) await Simulation.play(seed, installation, points)
    await installation.close()
    const notCrashedAt = CRASH_POINTS.filter((point) => !points.crashedAt.has(point))
    expect(notCrashedAt, 'points at which no server died').toEqual([])
  },
)
