/** Milliseconds between two looks. */
const LOOK_MS = 250

/** How late a look must be, in milliseconds, before it is called a block. */
const BLOCKED_MS = 1000

/** For how long after its end a block is told of, in milliseconds. */
const TOLD_MS = 60_000

/** A while in which the server did one thing and nothing else: no answer, no step, no signal. */
export interface LoopBlock {
  readonly seconds: number
  /** CPU time that the server took meanwhile: much less than `seconds` where the host held it up. */
  readonly cpuSeconds: number
}

/**
 * Notices when the event loop was blocked. All that Berth does runs on one loop, so that a single long
 * computation, as over a text that somebody made for it, stops everybody: that must not go unseen.
 */
export class LoopWatch {
  readonly #onBlocked: (block: LoopBlock) => void
  #timer: NodeJS.Timeout | undefined
  #last: { readonly block: LoopBlock; readonly endedAt: number } | undefined

  constructor(onBlocked: (block: LoopBlock) => void) {
    this.#onBlocked = onBlocked
  }

  start(): void {
    let at = performance.now()
    let cpu = process.cpuUsage()
    this.#timer = setInterval(() => {
      const late = performance.now() - at - LOOK_MS
      if (late >= BLOCKED_MS) {
        const { user, system } = process.cpuUsage(cpu)
        const block = { seconds: late / 1000, cpuSeconds: (user + system) / 1e6 }
        this.#last = { block, endedAt: performance.now() }
        this.#onBlocked(block)
      }
      at = performance.now()
      cpu = process.cpuUsage()
    }, LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One sentence about a block that ended within the last minute; null when there was none. */
  lately(): string | null {
    if (this.#last === undefined) return null
    const { block, endedAt } = this.#last
    const ago = performance.now() - endedAt
    if (ago > TOLD_MS) return null
    const seconds = block.seconds.toFixed(1)
    return `The server was blocked for ${seconds} s until ${Math.round(ago / 1000)} s ago.`
  }
}
