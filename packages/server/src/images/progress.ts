/** How far a build has come. */
export interface BuildProgress {
  /** A few words that stay the same while one kind of work goes on, such as `install packages`. */
  readonly phase: string
  /** 0 to 1 over the whole build; never goes back. */
  readonly fraction: number
  /** What is being done right now, for a person. */
  readonly message: string
}

export type OnProgress = (progress: BuildProgress) => void

/** Reports progress of one build: keeps fractions within 0..1 and from going back. */
export class ProgressReporter {
  readonly #listener: OnProgress
  #fraction = 0

  constructor(listener: OnProgress) {
    this.#listener = listener
  }

  report(phase: string, fraction: number, message: string): void {
    this.#fraction = Math.max(this.#fraction, Math.min(1, fraction))
    this.#listener({ phase, fraction: this.#fraction, message })
  }
}
