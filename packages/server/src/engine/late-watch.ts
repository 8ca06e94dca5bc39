import { SECOND } from '../store/clock.ts'
import type { WorkItemRow } from '../store/schema.ts'
import type { Store, Tx } from '../store/store.ts'
import { noteLate } from '../store/work-items.ts'

/** Far longer than any step may take whose host answers: what waits for long does so between steps. */
const STEP_SECONDS = 300
const LOOK_MS = 5_000

export interface LateWatchOptions {
  readonly store: Store
  /** Tells of a step that is late, once; in the transaction that notes it. */
  readonly onLate: (tx: Tx, item: WorkItemRow, now: number) => Promise<void>
  readonly onError: (error: unknown) => void
}

/**
 * Looks for steps that do not come back, or that no worker has begun. Nothing can end the one or make room for the
 * other from inside, so all it does is tell.
 */
export class LateWatch {
  readonly #options: LateWatchOptions
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: LateWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.look()).catch(this.#options.onError)
    }, LOOK_MS)
  }

  /** Looks no more, and waits for a look that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { store, onLate } = this.#options
    await store.transaction(async (tx) => {
      const now = store.clock.now()
      for (const item of await noteLate(tx, now - STEP_SECONDS * SECOND, now)) await onLate(tx, item, now)
    })
  }
}
