import type { StatusStep } from '@berth/contract/instance-status'
import type { ComputeInstanceRow } from '../store/schema.ts'

/** How many of a step's latest durations its usual one is the median of. */
const SAMPLES = 5
/** Profiles that are remembered; what a full memory forgets, the next steps teach it again. */
const MOST_PROFILES = 256

type OfProfile = Pick<ComputeInstanceRow, 'profile'>

/** How long the steps of deployments take on this host, by profile, as the latest ones took. */
export class StepDurations {
  readonly #known = new Map<string, Map<string, number[]>>()

  /** Takes note of what an instance has gone through; a step that did not end well tells nothing. */
  note({ profile }: OfProfile, steps: readonly StatusStep[]): void {
    for (const { name, state, startedAt, finishedAt } of steps) {
      if (state !== 'done' || finishedAt === undefined) continue
      if (!this.#known.has(profile) && this.#known.size >= MOST_PROFILES) this.#known.clear()
      const ofProfile = this.#known.get(profile) ?? new Map<string, number[]>()
      this.#known.set(profile, ofProfile)
      const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000
      ofProfile.set(name, [...(ofProfile.get(name) ?? []), seconds].slice(-SAMPLES))
    }
  }

  /** Seconds that a step usually takes; undefined when none has been seen. */
  usual({ profile }: OfProfile, name: string): number | undefined {
    const samples = this.#known.get(profile)?.get(name)
    if (samples === undefined) return undefined
    const median = samples.toSorted((one, other) => one - other)[Math.floor((samples.length - 1) / 2)]
    return median === undefined ? undefined : Math.round(median * 10) / 10
  }
}
