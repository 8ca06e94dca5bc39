import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Random } from './random.ts'

/**
 * Makes the ids of new objects follow from a seed: in which order objects take their turn, and when a guest is looked
 * at closely, depends on them.
 * @returns what ends it
 */
export function seedIds(random: Random): () => void {
  const { randomUUIDv7 } = crypto
  let made = 0
  const digits = (count: number) =>
    Math.floor(random.next() * 16 ** count)
      .toString(16)
      .padStart(count, '0')
  // Like those of Node's they grow, and end in chance.
  replaceIds(() => `00000000-${String(made++).padStart(4, '0')}-7000-8000-${digits(12)}`)
  return () => replaceIds(randomUUIDv7)
}

function replaceIds(make: () => string): void {
  crypto.randomUUIDv7 = make as typeof crypto.randomUUIDv7
  syncBuiltinESMExports()
}
