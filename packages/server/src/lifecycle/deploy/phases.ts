import { bootPhase, reachPhase, startPhase } from './boot.ts'
import type { DeployPhase } from './phase.ts'
import { placePhase } from './place.ts'
import { attachPhase, diskPhase, imagePhase } from './prepare.ts'

/** The way to a running guest, in order. */
export const DEPLOY_PHASES: readonly DeployPhase[] = [
  placePhase,
  imagePhase,
  attachPhase,
  diskPhase,
  startPhase,
  bootPhase,
  reachPhase,
]

/** The phase after the named one; undefined at the end of the way. */
export function phaseAfter(name: string): DeployPhase | undefined {
  return DEPLOY_PHASES[DEPLOY_PHASES.findIndex((phase) => phase.name === name) + 1]
}
