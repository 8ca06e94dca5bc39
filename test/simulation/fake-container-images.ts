import { SimulatedContainerImages } from '../../packages/server/src/images/container/simulated-container-images.ts'
import type {
  ContainerFetch,
  ContainerImages,
} from '../../packages/server/src/images/container/container-images.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { EffectRunner } from './effects.ts'
import type { FakeWorld } from './fake-world.ts'

const FETCH_SECONDS = 40

/** Container images of the pretended host: fetching one takes its time, and ends with the server that does it. */
export class FakeContainerImages implements ContainerImages {
  readonly #world: FakeWorld
  readonly #effects: EffectRunner
  readonly #now: () => number
  readonly #begun = new Map<string, number>()
  readonly #cached = new SimulatedContainerImages()

  constructor(world: FakeWorld, effects: EffectRunner, now: () => number) {
    this.#world = world
    this.#effects = effects
    this.#now = now
  }

  async ensure(reference: string, digest: string | null): Promise<ContainerFetch> {
    const isThere = await this.#effects.run('images.ensure', () => this.#goOn(reference))
    if (isThere) return this.#cached.ensure(reference, digest)
    return { state: 'fetching', detail: `Fetching ${reference}.` }
  }

  #goOn(reference: string): boolean {
    const begun = this.#begun.get(reference) ?? this.#now()
    this.#begun.set(reference, begun)
    if (this.#now() - begun >= FETCH_SECONDS * SECOND) this.#world.containerImages.add(reference)
    return this.#world.containerImages.has(reference)
  }
}
