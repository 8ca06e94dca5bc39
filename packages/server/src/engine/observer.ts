import type { StepOutcome } from './step.ts'

/**
 * How a step ended: as its outcome says, `error` when its handler threw, `lost` when another worker had
 * taken the lease and nothing was written, `unwritten` when the store refused the result.
 */
export type StepResult = StepOutcome['next'] | 'error' | 'lost' | 'unwritten'

/** Is told what the engine does, for whoever measures it. Must not throw. */
export interface EngineObserver {
  /** A step begins, `delayMicros` microseconds after it was due. */
  claimed(kind: string, delayMicros: number): void
  /** A step has ended, its result written or not, after `micros` microseconds. */
  ended(kind: string, result: StepResult, micros: number): void
}
