import { HostError } from '@berth/contract/host/host-error'
import type { Gates } from './gates.ts'
import type { Random } from './random.ts'

/** Does something to the pretended world, or fails to. */
export interface EffectRunner {
  run<T>(name: string, apply: () => T): Promise<T>
}

/** How a faulty host treats each effect of one life of the server. */
export class Effects implements EffectRunner {
  readonly #gates: Gates
  readonly #random: Random
  /** Off while a run comes to rest. */
  faulty = true
  /** Set when the server dies: a step of it that goes on all the same reaches the host no more. */
  isOver = false

  constructor(gates: Gates, random: Random) {
    this.#gates = gates
    this.#random = random
  }

  /**
   * Does something to the world between two named points where the server may die; it may fail before it
   * happens, happen and then fail (a lost reply is no other), or happen twice.
   */
  async run<T>(name: string, apply: () => T): Promise<T> {
    this.#checkLife()
    await this.#gates.pass(`${name}:before`)
    this.#checkLife()
    if (this.#strikes(0.04)) throw this.#failure(name, 'did not happen')
    if (this.#strikes(0.04)) apply()
    const result = apply()
    await this.#gates.pass(`${name}:after`)
    if (this.#strikes(0.04)) throw this.#failure(name, 'happened, but its reply was lost')
    return result
  }

  #checkLife(): void {
    if (this.isOver) throw new HostError('The server that asks for it is dead.')
  }

  #strikes(probability: number): boolean {
    return this.faulty && this.#random.chance(probability)
  }

  #failure(name: string, what: string): Error {
    // Now and then a defect: an error that nobody foresaw.
    if (this.#random.chance(0.1)) return new Error(`${name} ${what}, for no good reason`)
    return new HostError(`${name} ${what}.`, { retryable: this.#random.chance(0.9) })
  }
}
