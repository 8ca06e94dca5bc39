import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Minutes after a boot in which a timer begins its work: the earliest, and the latest. */
function window(timer: string): { earliest: number; latest: number } {
  const text = readFileSync(new URL(`${timer}.timer.conf`, import.meta.url), 'utf8')
  const minutes = (name: string) => Number(new RegExp(`^${name}=(\\d+)min$`, 'm').exec(text)?.[1])
  const earliest = minutes('OnBootSec')
  return { earliest, latest: earliest + minutes('RandomizedDelaySec') }
}

test('a machine that runs for an hour a day gets its security updates, and none while it boots', () => {
  const lists = window('apt-daily')
  const upgrade = window('apt-daily-upgrade')
  expect(lists.earliest).toBeGreaterThanOrEqual(10)
  expect(upgrade.earliest).toBeGreaterThan(lists.latest)
  expect(upgrade.latest).toBeLessThanOrEqual(30)
})
