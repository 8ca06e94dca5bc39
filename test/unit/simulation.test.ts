import { expect, onTestFinished, test } from 'vitest'
import { Installation } from '../simulation/installation.ts'
import { CRASH_POINTS } from '../simulation/points.ts'
import { Simulation } from '../simulation/simulation.ts'
import { tempDir } from '../support/temp-dir.ts'

const SEEDS = 200

async function openInstallation(): Promise<Installation> {
  const installation = await Installation.open(await tempDir())
  onTestFinished(() => installation.close())
  return installation
}

test(
  `${SEEDS} seeded runs on a faulty host keep every promise, and leak nothing`,
  { timeout: 300_000 },
  async () => {
    const crashedAt = new Set<string>()
    const installation = await openInstallation()
    for (let seed = 1; seed <= SEEDS; seed++) await Simulation.play(seed, installation, crashedAt)
    const notCrashedAt = CRASH_POINTS.filter((point) => !crashedAt.has(point))
    expect(notCrashedAt, 'points at which no server died').toEqual([])
  },
)

test(
  'a seed decides its run: played again alone, or after others, it is the same',
  { timeout: 120_000 },
  async () => {
    const shared = await openInstallation()
    const crashedAt = new Set<string>()
    for (const seed of [3, 60, 100, 131]) {
      const after = await Simulation.play(seed, shared, crashedAt)
      expect(after.length, 'named points that were passed').toBeGreaterThan(100)
      for (let time = 0; time < 2; time++) {
        const alone = await Simulation.play(seed, await openInstallation(), new Set())
        expect(alone, `seed ${seed}`).toEqual(after)
      }
    }
  },
)
