import { SECOND } from '../store/clock.ts'
import type { Store } from '../store/store.ts'
import { claim, forget, nextDue, renew, settle, type Lease, type Settlement } from '../store/work-items.ts'
import { backOff } from './back-off.ts'
import type { EngineObserver, StepResult } from './observer.ts'
import type { StepHandler, StepOutcome } from './step.ts'

/** Thrown inside the result's transaction to undo a stale worker's write. */
class LeaseLost extends Error {}

export interface EngineOptions {
  readonly store: Store
  /** The handler of each kind of object. */
  readonly handlers: Readonly<Record<string, StepHandler>>
  /** How many steps run at once. */
  readonly workers?: number
  /** How long a lease lasts without being renewed. */
  readonly leaseSeconds?: number
  readonly random?: () => number
  readonly onError?: (error: unknown, kind: string, objectId: string) => void
  readonly observer?: EngineObserver
}

/** The longest nap, so that a clock set by hand, or a write by another process, is noticed. */
const LONGEST_NAP_MS = 5_000

/**
 * Runs steps: claims an object that is due, runs its handler outside any transaction, and writes the
 * result together with the lease's settlement, so that a worker whose lease was taken writes nothing.
 */
export class Engine {
  readonly #store: Store
  readonly #handlers: Readonly<Record<string, StepHandler>>
  readonly #workers: number
  readonly #leaseMicros: number
  readonly #random: () => number
  readonly #onError: (error: unknown, kind: string, objectId: string) => void
  readonly #observer: EngineObserver | undefined
  /** The steps that run, by object. A lease that ran out, as when the clock jumps, does not start a second one here. */
  readonly #running = new Map<string, Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: (() => void) | undefined
  #stopped = true
  #pumping = false
  #pumpAgain = false

  constructor(options: EngineOptions) {
    this.#store = options.store
    this.#handlers = options.handlers
    this.#workers = options.workers ?? 8
    this.#leaseMicros = (options.leaseSeconds ?? 60) * SECOND
    this.#random = options.random ?? Math.random
    this.#onError = options.onError ?? (() => {})
    this.#observer = options.observer
  }

  /** Begins to work on whatever is due, now and after every commit. */
  start(): void {
    this.#stopped = false
    this.#unsubscribe = this.#store.onCommit(() => this.#pump())
    this.#pump()
  }

  /** Claims nothing more and waits for the steps that run. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe?.()
    clearTimeout(this.#timer)
    await Promise.all(this.#running.values())
  }

  /**
   * Runs one due step, if there is one. What `start` does over and over; tests call it to hold the time.
   * @returns whether there was one
   */
  async runOne(): Promise<boolean> {
    const objectId = await this.#beginOne()
    if (objectId === null) return false
    await this.#running.get(objectId)
    return true
  }

  /** Begins the step of the object that has been due longest. @returns its id; null when none is due */
  async #beginOne(): Promise<string | null> {
    const lease = await claim(this.#store.db, this.#store.clock.now(), this.#leaseMicros, [
      ...this.#running.keys(),
    ])
    if (!lease) return null
    const run = this.#runStep(lease).finally(() => {
      this.#running.delete(lease.objectId)
      this.#pump()
    })
    this.#running.set(lease.objectId, run)
    return lease.objectId
  }

  #pump(): void {
    if (this.#stopped) return
    this.#pumpAgain = true
    if (this.#pumping) return
    this.#pumping = true
    void this.#fill().finally(() => {
      this.#pumping = false
      // A commit may have come after the last look at what is due.
      if (this.#pumpAgain) this.#pump()
    })
  }

  async #fill(): Promise<void> {
    try {
      while (this.#pumpAgain && !this.#stopped) {
        this.#pumpAgain = false
        while (!this.#stopped && this.#running.size < this.#workers) {
          if ((await this.#beginOne()) === null) break
        }
      }
      await this.#nap()
    } catch (error) {
      // A full disk or an exhausted table of files passes; claims go on after a nap.
      this.#onError(error, 'engine', 'claim')
      this.#sleep(1_000)
    }
  }

  async #nap(): Promise<void> {
    if (this.#stopped) return
    const due = await nextDue(this.#store.db, [...this.#running.keys()])
    const untilDue = due === null ? LONGEST_NAP_MS : Math.ceil((due - this.#store.clock.now()) / 1_000)
    // With every worker busy, the end of a step pumps; a due item must not spin the loop until then.
    const shortest = this.#running.size >= this.#workers ? LONGEST_NAP_MS : 1
    this.#sleep(Math.min(LONGEST_NAP_MS, Math.max(shortest, untilDue)))
  }

  #sleep(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#pump(), milliseconds)
  }

  async #runStep(lease: Lease): Promise<void> {
    const began = this.#store.clock.now()
    this.#observer?.claimed(lease.kind, Math.max(0, began - lease.dueAt))
    const lost = new AbortController()
    const heartbeat = setInterval(() => void this.#heartbeat(lease, lost), this.#leaseMicros / 4_000).unref()
    let outcome: StepOutcome
    try {
      outcome = await this.#handlerOf(lease.kind)({
        objectId: lease.objectId,
        attempt: lease.attempt,
        now: this.#store.clock.now(),
        deadlineAt: lease.deadlineAt,
        signal: lost.signal,
      })
    } catch (error) {
      outcome = { next: 'retry', deadlineAt: lease.deadlineAt, fault: error }
    } finally {
      clearInterval(heartbeat)
    }
    const failed = outcome.fault !== undefined
    if (failed) this.#onError(outcome.fault, lease.kind, lease.objectId)
    const written = await this.#writeResult(lease, outcome)
    const result = failed && written !== 'lost' ? 'error' : written
    this.#observer?.ended(lease.kind, result, this.#store.clock.now() - began)
  }

  #handlerOf(kind: string): StepHandler {
    const handler = this.#handlers[kind]
    if (!handler) throw new Error(`No handler for objects of kind ${kind}.`)
    return handler
  }

  async #heartbeat(lease: Lease, lost: AbortController): Promise<void> {
    try {
      const held = await renew(this.#store.db, lease, this.#store.clock.now() + this.#leaseMicros)
      if (!held) lost.abort()
    } catch (error) {
      this.#onError(error, lease.kind, lease.objectId)
    }
  }

  async #writeResult(lease: Lease, outcome: StepOutcome): Promise<StepResult> {
    try {
      return await this.#store.transaction(async (tx) => {
        const decided = (await outcome.commit?.(tx)) ?? outcome
        const now = this.#store.clock.now()
        const held =
          decided.next === 'gone'
            ? await forget(tx, lease)
            : await settle(tx, lease, this.#settlementOf(lease, decided, now), now)
        if (!held) throw new LeaseLost()
        return decided.next
      })
    } catch (error) {
      // The lease runs out by itself, and the step is then repeated: nothing is lost but time.
      if (error instanceof LeaseLost) return 'lost'
      this.#onError(error, lease.kind, lease.objectId)
      return 'unwritten'
    }
  }

  #settlementOf(lease: Lease, outcome: StepOutcome, now: number): Settlement {
    const deadlineAt = outcome.deadlineAt ?? null
    const atLatest = (at: number) => (deadlineAt !== null && deadlineAt > now ? Math.min(at, deadlineAt) : at)
    switch (outcome.next) {
      case 'goOn':
        return { wakeAt: now, attempt: 0, deadlineAt }
      case 'wait':
        return { wakeAt: atLatest(now + Math.round(outcome.seconds * SECOND)), attempt: 0, deadlineAt }
      case 'retry': {
        const attempt = lease.attempt + 1
        return { wakeAt: atLatest(now + backOff(attempt, this.#random())), attempt, deadlineAt }
      }
      case 'done':
      case 'gone':
        return { wakeAt: null, attempt: 0, deadlineAt: null }
    }
  }
}
