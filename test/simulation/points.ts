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
