import { PLACES } from '../../packages/server/src/lifecycle/deploy/phases.ts'

const EFFECTS = [
  ...[
    'ensureDisk',
    'ensureSeed',
    'spawn',
    'ensureRunning',
    'observe',
    'lookInside',
    'changeAccess',
    'applicationKey',
    'ensureApplication',
    'adoptApplication',
    'observeApplication',
    'requestPowerOff',
    'ensureStopped',
    'remove',
  ].map((name) => `driver.${name}`),
  ...[
    'ensureProject',
    'removeProject',
    'ensurePort',
    'removePort',
    'answersArp',
    'ensureForward',
    'removeForward',
    'shutdownIdle',
  ].map((name) => `network.${name}`),
  'images.ensure',
]
/** Of requests, by what they ask for, and of steps, by the phase that they begin in. */
const COMMITS = [
  ...['apply', 'publish', 'start', 'stop', 'reboot', 'delete'].map((request) => `commit of ${request}`),
  ...[...PLACES, 'run', 'off', 'idle', 'destroy'].map((phase) => `commit of ${phase}`),
  // A guest's address is given back before the step is at its end.
  'commit within destroy',
]

/** Every named point: before and after every effect on the host, every commit, and every claim of a step. */
export const CRASH_POINTS = [...EFFECTS, ...COMMITS, 'claim'].flatMap((name) => [
  `${name}:before`,
  `${name}:after`,
])

const TARGETS = 12

/**
 * Points at which the server of a seed's run dies for sure, if it comes there, beside the crashes of chance. What
 * earlier runs met has no part in it, or a seed could not be played again alone.
 */
export function targetsOf(seed: number): string[] {
  const stride = Math.ceil(CRASH_POINTS.length / TARGETS)
  return Array.from({ length: TARGETS }, (_, index) => {
    return CRASH_POINTS[(seed + index * stride) % CRASH_POINTS.length] ?? ''
  })
}
