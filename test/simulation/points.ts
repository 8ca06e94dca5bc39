const EFFECTS = [
  ...[
    'ensureDisk',
    'ensureSeed',
    'ensureRunning',
    'observe',
    'changeAccess',
    'applicationKey',
    'ensureApplication',
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
    'ensureForward',
    'removeForward',
    'shutdownIdle',
  ].map((name) => `network.${name}`),
  'images.ensure',
]
/** Every named point: before and after every effect on the host. */
export const CRASH_POINTS = EFFECTS.flatMap((effect) => [`${effect}:before`, `${effect}:after`])

const TARGETS = 3

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
