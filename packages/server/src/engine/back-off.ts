import { SECOND } from '../store/clock.ts'

const FIRST_SECONDS = 0.5
const LONGEST_SECONDS = 60

/**
 * How long to wait before the next try: doubles from half a second to a minute, less up to half of it at
 * random so that many objects with one cause do not come back together.
 * @param attempt 1 after the first failure
 * @param random from 0 to 1
 * @returns microseconds
 */
export function backOff(attempt: number, random: number): number {
  const full = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.min(attempt - 1, 10))
  return Math.round(full * (1 - random / 2) * SECOND)
}
