import type { StatusStep } from '@berth/contract/instance-status'
import { expect, test } from 'vitest'
import { StepDurations } from './step-durations.ts'

const boot = (seconds: number, change: Partial<StatusStep> = {}): StatusStep => ({
  name: 'Boot guest',
  state: 'done',
  startedAt: '2026-01-01T00:00:00.000000Z',
  finishedAt: new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString(),
  ...change,
})

test('a step usually takes what the middle one of its latest five took', () => {
  const durations = new StepDurations()
  const [debian, tiny] = [{ profile: '{"guestImage":"debian-12"}' }, { profile: '{"guestImage":"tiny"}' }]
  expect(durations.usual(debian, 'Boot guest')).toBeUndefined()
  durations.note(debian, [boot(62.34)])
  expect(durations.usual(debian, 'Boot guest')).toBe(62.3)
  durations.note(tiny, [boot(2)])
  for (const seconds of [40, 41, 300, 42, 43]) durations.note(debian, [boot(seconds)])
  expect(durations.usual(debian, 'Boot guest')).toBe(42)
  expect(durations.usual(tiny, 'Boot guest')).toBe(2)
  expect(durations.usual(tiny, 'Find room')).toBeUndefined()
})

test('a step that failed or still runs tells nothing', () => {
  const durations = new StepDurations()
  durations.note({ profile: '{}' }, [boot(900, { state: 'failed' }), boot(1, { state: 'running' })])
  expect(durations.usual({ profile: '{}' }, 'Boot guest')).toBeUndefined()
})

test('only so many profiles are remembered', () => {
  const durations = new StepDurations()
  for (let number = 0; number < 300; number++) durations.note({ profile: `${number}` }, [boot(number)])
  expect(durations.usual({ profile: '0' }, 'Boot guest')).toBeUndefined()
  expect(durations.usual({ profile: '299' }, 'Boot guest')).toBe(299)
})
