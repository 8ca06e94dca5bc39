import type { Random } from './random.ts'

interface Waiting {
  readonly label: string
  readonly resume: () => void
}

/**
 * Holds every host effect before and after it happens, until the simulation lets one go on: so any order of
 * events can be had, and the same one again. A crash leaves those that wait where they are, for good.
 */
export class Gates {
  #waiting: Waiting[] = []
  /** How often each named point was passed, over all runs that share this map. */
  readonly #passed: Map<string, number>

  constructor(passed: Map<string, number>) {
    this.#passed = passed
  }

  get size(): number {
    return this.#waiting.length
  }

  async pass(label: string): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push({ label, resume: resolve }))
    this.#passed.set(label, (this.#passed.get(label) ?? 0) + 1)
  }

  resumeOne(random: Random): void {
    const chosen = random.pick(this.#waiting)
    this.#waiting = this.#waiting.filter((waiting) => waiting !== chosen)
    chosen.resume()
  }

  waitsAt(label: string): boolean {
    return this.#waiting.some((waiting) => waiting.label === label)
  }

  /** The process died: nothing that waits goes on. @returns where it was */
  abandonAll(): string[] {
    const labels = this.#waiting.map((waiting) => waiting.label)
    this.#waiting = []
    return labels
  }
}
