import { addressPhase } from './address.ts'
import { answerPhase, setupPhase } from './application.ts'
import { bootPhase, reachPhase, startPhase } from './boot.ts'
import { accessPhase } from './access.ts'
import { contactPhase } from './contact.ts'
import { containerPhase } from './container.ts'
import type { DeployPhase, PhaseInput } from './phase.ts'
import { placePhase } from './place.ts'
import { attachPhase, diskPhase, imagePhase } from './prepare.ts'
import { shutdownPhase } from './shutdown.ts'

/**
 * The ways an instance goes, each a row of phases:
 * `up` to a running guest, `change` brings a running one to a newly published configuration, `keep` does so
 * for a stopped one, `down` to a stopped guest, or on to `up` when it is to run again: a reboot.
 */
const WAYS: Readonly<Record<string, readonly DeployPhase[]>> = {
  up: [
    placePhase,
    addressPhase,
    imagePhase,
    containerPhase,
    attachPhase,
    diskPhase,
    startPhase,
    bootPhase,
    contactPhase,
    accessPhase,
    reachPhase,
    setupPhase,
    answerPhase,
  ],
  // The rules in the kernel and those in the relay change one right after the other.
  change: [addressPhase, attachPhase, reachPhase, accessPhase, setupPhase, answerPhase],
  keep: [imagePhase, containerPhase, diskPhase, addressPhase, attachPhase, reachPhase],
  down: [shutdownPhase],
}

/** A phase and the way it is on. */
export interface Place {
  readonly way: string
  readonly phase: DeployPhase
}

/** Every place there is, as rows name them. */
export const PLACES: readonly string[] = Object.entries(WAYS).flatMap(([way, phases]) =>
  phases.map((phase) => textOf({ way, phase })),
)

/** The place that a row's `phase` names; undefined when it names none, such as `run` or `idle`. */
export function placeOf(text: string): Place | undefined {
  const [way = '', name] = text.split(':')
  const phase = WAYS[way]?.find((candidate) => candidate.name === name)
  return phase && { way, phase }
}

export function textOf({ way, phase }: Place): string {
  return `${way}:${phase.name}`
}

/** The next phase on the same way that the instance goes through; undefined at its end. */
export function placeAfter({ way, phase }: Place, input: PhaseInput): Place | undefined {
  const phases = WAYS[way] ?? []
  const next = phases
    .slice(phases.indexOf(phase) + 1)
    .find((candidate) => candidate.appliesTo?.(input) ?? true)
  return next && { way, phase: next }
}

/** Where a way begins. */
export function beginningOf(way: 'up' | 'change' | 'keep' | 'down'): Place {
  const [phase] = WAYS[way] ?? []
  if (!phase) throw new Error(`The way ${way} has no phases.`)
  return { way, phase }
}
