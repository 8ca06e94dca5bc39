import type { Random } from './random.ts'

interface Waiting {
  readonly label: string
  readonly resume: () => void
  readonly end: (why: RunIsOver) => void
}

/** Ends what waits, and whatever comes later, when there is nobody any more to let it go on. */
export class RunIsOver extends Error {}

/**
 * Holds every host effect and every commit before and after it happens, until the simulation lets one go on: so any order of
 * events can be had, and the same one again. A crash leaves those that wait where they are.
 */
export class Gates {
  #waiting: Waiting[] = []
  #abandoned: Waiting[] = []
  #isClosed = false
  readonly #onPass: (label: string) => void

  /** @param onPass told of each named point that is passed */
  constructor(onPass: (label: string) => void) {
    this.#onPass = onPass
  }

  get size(): number {
    return this.#waiting.length
  }

  /** How many wait that belong to a server that died. */
  get abandoned(): number {
    return this.#abandoned.length
  }

  async pass(label: string): Promise<void> {
    if (this.#isClosed) throw new RunIsOver()
    await new Promise<void>((resume, end) => this.#waiting.push({ label, resume, end }))
    this.#onPass(label)
  }

  resumeOne(random: Random): void {
    const chosen = random.pick(this.#waiting)
    this.#waiting = this.#waiting.filter((waiting) => waiting !== chosen)
    chosen.resume()
  }

  /** Lets go on what waited when its server died. */
  resumeAbandoned(random: Random): void {
    const chosen = random.pick(this.#abandoned)
    this.#abandoned = this.#abandoned.filter((waiting) => waiting !== chosen)
    chosen.resume()
  }

  waitsAt(label: string): boolean {
    return this.#waiting.some((waiting) => waiting.label === label)
  }

  /** The process died: nothing that waits goes on by itself. @returns where it was */
  abandonAll(): string[] {
    const labels = this.#waiting.map((waiting) => waiting.label)
    this.#abandoned.push(...this.#waiting)
    this.#waiting = []
    return labels
  }

  /** Nothing passes any more: steps that hang for ever would renew their leases for ever. */
  close(): void {
    this.#isClosed = true
    for (const waiting of [...this.#waiting, ...this.#abandoned]) waiting.end(new RunIsOver())
  }
}
