import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

export interface WaitOptions {
  /** Real time, in seconds, after which waiting is given up. */
  readonly deadlineSeconds: number
  /** What is waited for, to end the sentence "waited 5 s for …". */
  readonly what: string
  /** Pause between two looks, in milliseconds. */
  readonly intervalMs?: number
}

/** An error that waiting does not mend. */
export class FinalError extends Error {}

/**
 * Looks until `condition` answers something truthy, and returns that. An error of the condition counts as
 * "not yet", unless it is a FinalError.
 * @throws Error past the deadline, with the last value or error that was seen.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineSeconds, what, intervalMs = 50 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineSeconds * 1000
  let last = 'nothing: the first look did not end'
  const expired = new AbortController()
  const tooLate = sleep(deadlineSeconds * 1000, undefined, { signal: expired.signal }).catch(() => {})
  try {
    do {
      // Bounds a look that hangs, too.
      const value = await Promise.race([look(condition), tooLate])
      if (!value) break
      if ('seen' in value && value.seen) return value.seen
      last = 'error' in value ? `the error ${inspect(value.error)}` : inspect(value.seen, { depth: 6 })
      await sleep(Math.min(intervalMs, Math.max(0, deadline - performance.now())))
    } while (performance.now() < deadline)
  } finally {
    expired.abort()
  }
  throw new Error(`waited ${deadlineSeconds} s for ${what}; last seen: ${last}`)
}

async function look<T>(condition: () => T | Promise<T>): Promise<{ seen: T } | { error: unknown }> {
  try {
    return { seen: await condition() }
  } catch (error) {
    if (error instanceof FinalError) throw error
    return { error }
  }
}
