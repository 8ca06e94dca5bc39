import { addressPhase } from './address.ts'
import { bootPhase, reachPhase, startPhase } from './boot.ts'
import { accessPhase } from './access.ts'
import type { DeployPhase } from './phase.ts'
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
    attachPhase,
    diskPhase,
    startPhase,
    bootPhase,
    accessPhase,
    reachPhase,
  ],
  // The rules in the kernel and those in the relay change one right after the other.
  change: [addressPhase, attachPhase, reachPhase, accessPhase],
  keep: [imagePhase, diskPhase, addressPhase, attachPhase, reachPhase],
  down: [shutdownPhase],
}

/** A phase and the way it is on. */
export interface Place {
  readonly way: string
  readonly phase: DeployPhase
}

/** The place that a row's `phase` names; undefined when it names none, such as `run` or `idle`. */
export function placeOf(text: string): Place | undefined {
  const [way = '', name] = text.split(':')
  const phase = WAYS[way]?.find((candidate) => candidate.name === name)
  return phase && { way, phase }
}

export function textOf({ way, phase }: Place): string {
  return `${way}:${phase.name}`
}

/** The next phase on the same way; undefined at its end. */
export function placeAfter({ way, phase }: Place): Place | undefined {
  const phases = WAYS[way] ?? []
  const next = phases[phases.indexOf(phase) + 1]
  return next && { way, phase: next }
}

/** Where a way begins. */
export function beginningOf(way: 'up' | 'change' | 'keep' | 'down'): Place {
  const [phase] = WAYS[way] ?? []
  if (!phase) throw new Error(`The way ${way} has no phases.`)
  return { way, phase }
}
