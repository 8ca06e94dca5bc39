import { expect, test } from 'vitest'
import { bootstrapFraction } from './bootstrap-progress.ts'

test('lines of apt and dpkg move the fraction forward; others do not count', () => {
  const follow = bootstrapFraction()
  expect(follow('Reading package lists...')).toBeNull()
  const got = follow('Get:1 http://m.example/debian bookworm/main amd64 udev amd64 252 [1 MB]')
  expect(got?.message).toBe('Downloaded udev')
  expect(follow('Unpacking libc6:amd64 (2.36-9) ...')?.message).toBe('Unpacking libc6')
  const set = follow('Setting up systemd (252.39-1~deb12u1) ...')
  expect(set?.message).toBe('Setting up systemd')
  expect(set!.fraction).toBeGreaterThan(got!.fraction)
})

test('more lines than expected do not go beyond the whole', () => {
  const follow = bootstrapFraction()
  let last = 0
  for (const verb of ['Get:1', 'Unpacking', 'Setting up']) {
    for (let n = 0; n < 1000; n++) last = follow(`${verb} package-${n} (1) ...`)!.fraction
  }
  expect(last).toBeCloseTo(1)
})
