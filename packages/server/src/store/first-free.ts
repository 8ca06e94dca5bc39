import { createHash } from 'node:crypto'

/**
 * The first number of 0 to `capacity` - 1 that is not taken, counted from `from` on and around; a text stands
 * for a number that is always the same for it.
 */
export function firstFree(
  taken: ReadonlySet<number>,
  capacity: number,
  from: number | string,
): number | undefined {
  const start = typeof from === 'number' ? from : createHash('sha256').update(from).digest().readUInt32BE(0)
  for (let step = 0; step < capacity; step++) {
    const number = (start + step) % capacity
    if (!taken.has(number)) return number
  }
  return undefined
}
