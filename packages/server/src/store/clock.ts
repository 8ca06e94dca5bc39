/** Where the time comes from, so that tests can hold it. */
export interface Clock {
  /** Microseconds since 1970. */
  now(): number
}

/** The wall clock, with the microseconds that the API shows. */
export const systemClock: Clock = {
  // Recomputed from Date each time, so that a clock which the operator sets is followed.
  now: () => Date.now() * 1000 + Math.floor((performance.now() * 1000) % 1000),
}

/** Microseconds in a second. */
export const SECOND = 1_000_000
