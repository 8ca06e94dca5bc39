/** `missing`: guests cannot run without it. `warning`: they run, but worse, or something else does not. */
export type FindingState = 'ok' | 'warning' | 'missing'

/** One thing that was looked at, for a person. */
export interface Finding {
  /** A few words that stay the same from run to run. */
  readonly what: string
  readonly state: FindingState
  /** What was found. */
  readonly detail: string
  /** What to do about it: a command, or a sentence. Absent when it is fine. */
  readonly remedy?: string
}

export function ok(what: string, detail: string): Finding {
  return { what, state: 'ok', detail }
}

export function warning(what: string, detail: string, remedy: string): Finding {
  return { what, state: 'warning', detail, remedy }
}

export function missing(what: string, detail: string, remedy: string): Finding {
  return { what, state: 'missing', detail, remedy }
}
