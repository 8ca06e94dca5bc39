import type { Tx } from '../store/store.ts'

/** What a step is told. */
export interface StepContext {
  readonly objectId: string
  /** How often this step has been tried without success since the last change; 0 the first time. */
  readonly attempt: number
  /** Microseconds since 1970. */
  readonly now: number
  /** When what is waited for should have happened; null while nothing is waited for. */
  readonly deadlineAt: number | null
  /** Aborts when the lease was lost: another worker has taken over. */
  readonly signal: AbortSignal
}

/**
 * Writes the step's result; runs in the transaction that also settles the lease. What only that
 * transaction can decide (is there room?) it decides, by answering another outcome.
 */
export type Commit = (tx: Tx) => Promise<StepOutcome | void>

interface Outcome {
  readonly commit?: Commit
  /** By when the wait must have ended; the engine wakes the object then at the latest. */
  readonly deadlineAt?: number | null
  /** The error that nobody foresaw by which the step ended: it is logged and counted as one. */
  readonly fault?: unknown
}

/**
 * How a step ends. Every one is a decision about when the next step comes:
 * `goOn` at once, `wait` after some seconds or a wake-up, `retry` after a back-off that grows with each
 * attempt, `done` only on a wake-up, `gone` never: the object does not exist any more.
 */
export type StepOutcome =
  | ({ readonly next: 'goOn' } & Outcome)
  | ({ readonly next: 'wait'; readonly seconds: number } & Outcome)
  | ({ readonly next: 'retry' } & Outcome)
  | ({ readonly next: 'done' } & Outcome)
  | ({ readonly next: 'gone' } & Outcome)

/** What reconciles one kind of object. A step is short, idempotent and re-reads the world. */
export type StepHandler = (context: StepContext) => Promise<StepOutcome>
