import { afterEach, expect, test, vi } from 'vitest'
import { SECOND, systemClock } from './clock.ts'

const HOUR_MS = 3_600_000

afterEach(() => vi.useRealTimers())

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a wall clock that is set an hour %s neither ends a deadline nor puts off a retry', (_way, jump) => {
  const before = systemClock.now()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + jump })
  expect(Math.abs(Date.now() * 1_000 - before)).toBeGreaterThan(3_000 * SECOND)
  const after = systemClock.now()
  expect(after).toBeGreaterThanOrEqual(before)
  expect(after - before).toBeLessThan(60 * SECOND)
})
