/** Where the time comes from, so that tests can hold it. */
export interface Clock {
  /** Microseconds since 1970. */
  now(): number
}

/**
 * The wall clock as it was when the process started, and the time that has passed since. It never jumps: a
 * clock that is set an hour forward must not end every deadline, nor one set back put off every retry.
 */
export const systemClock: Clock = {
  now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
}

/**
 * In the place of a time: the server that takes it up does so at once, and by its own clock. For processes beside
 * a server, whose clock may differ from it by as much as the host's was set since the server started.
 */
export const AT_ONCE = 0

/** Microseconds in a second. */
export const SECOND = 1_000_000
