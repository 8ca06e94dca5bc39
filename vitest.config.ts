import { defineConfig } from 'vitest/config'

const minutes = 60_000

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/unit/**/*.test.ts'],
          pool: 'forks',
          // Generous because the machine may be busy booting guests; a unit test normally takes milliseconds.
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/e2e-setup.ts'],
          pool: 'forks',
          // Two guests booting at once under software emulation miss each other's deadlines.
          fileParallelism: false,
          testTimeout: 10 * minutes,
          hookTimeout: 10 * minutes,
        },
      },
    ],
  },
})
