import { Engine } from '../../packages/server/src/engine/engine.ts'
import type { StepHandler } from '../../packages/server/src/engine/step.ts'
import { computeInstanceHandler } from '../../packages/server/src/lifecycle/compute-instance.ts'
import { takeUpWork } from '../../packages/server/src/lifecycle/take-up-work.ts'
import { instanceById } from '../../packages/server/src/store/compute-instances.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { commitAs, nameCommit, type Author } from './commits.ts'
import { Effects } from './effects.ts'
import { fakeAuthority } from './fake-authority.ts'
import { fakeHost } from './fake-host.ts'
import type { FakeWorld } from './fake-world.ts'
import { RunIsOver, type Gates } from './gates.ts'
import type { Installation } from './installation.ts'
import type { Random } from './random.ts'

/** How many steps run at once. */
export const WORKERS = 3

export interface LifeParts {
  readonly installation: Installation
  readonly world: FakeWorld
  readonly gates: Gates
  readonly random: Random
  readonly isFaulty: boolean
}

/** One life of the server: its steps wait at named points, and its end is a kill at wherever they are. */
export class Life {
  readonly effects: Effects
  readonly #store: Store
  readonly #gates: Gates
  readonly #engine: Engine
  #running = 0

  private constructor({ installation, gates, random }: LifeParts, effects: Effects, handler: StepHandler) {
    this.effects = effects
    this.#store = installation.store
    this.#gates = gates
    const handlers = { ComputeInstance: this.#gated(handler), Service: this.#gated(handler) }
    this.#engine = new Engine({ store: this.#store, handlers, random: () => random.next() })
  }

  /** Takes up what the life before left. */
  static async begin(parts: LifeParts): Promise<Life> {
    const { store, secretBox, clock } = parts.installation
    const effects = new Effects(parts.gates, parts.random)
    effects.faulty = parts.isFaulty
    const host = fakeHost(parts.world, effects, () => clock.time)
    const authority = await fakeAuthority()
    const handler = computeInstanceHandler({ store, secretBox, authority, host, onStepped: () => {} })
    await store.transaction((tx) => takeUpWork(tx, clock.time))
    return new Life(parts, effects, handler)
  }

  get isOver(): boolean {
    return this.effects.isOver
  }

  get isAtRest(): boolean {
    return this.#running === 0
  }

  end(): void {
    this.effects.isOver = true
  }

  /** Has a worker look for a step that is due, if one is free. */
  work(): void {
    if (this.#running >= WORKERS) return
    this.#running++
    void this.#step()
      .catch((error: unknown) => {
        if (!(error instanceof RunIsOver)) throw error
      })
      .finally(() => this.#running--)
  }

  async #step(): Promise<void> {
    await this.#gates.pass('claim:before')
    if (this.isOver) return
    const author: Author = {
      name: '',
      around: async (name, transaction) => {
        await this.#gates.pass(`${name}:before`)
        const result = await transaction()
        await this.#gates.pass(`${name}:after`)
        return result
      },
    }
    await commitAs(author, async () => this.#engine.runOne())
  }

  /** The step begins when its claim was committed, and its result is named after the phase it began in. */
  #gated(handler: StepHandler): StepHandler {
    return async (context) => {
      await this.#gates.pass('claim:after')
      const phase = (await instanceById(this.#store.db, context.objectId))?.phase ?? 'gone'
      nameCommit(`commit within ${phase}`)
      try {
        return await handler(context)
      } finally {
        nameCommit(`commit of ${phase}`)
      }
    }
  }
}
