import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the demo keeps everything that is its own. */
export interface DemoPlace {
  readonly state: string
  readonly listen: string
  readonly url: string
  readonly driver: 'qemu' | 'simulated'
  /** The variables to put before a command so that it means this place; "" for the default one. */
  readonly prefix: string
}

/** Says that a directory is the demo's, and may go as a whole. */
const MARKER = 'berth-demo'

/** Not below a home directory: the guests' unprivileged user could not reach its disks there. */
function defaultState(driver: DemoPlace['driver']): string {
  return process.getuid?.() === 0
    ? `/var/lib/berth-demo-${driver}`
    : join(homedir(), `.local/state/berth-demo-${driver}`)
}

/** BERTH_DEMO_STATE and BERTH_DEMO_LISTEN move the demo; BERTH_STATE is the server's own, and is not looked at. */
export function demoPlace(simulated: boolean): DemoPlace {
  const driver = simulated ? 'simulated' : 'qemu'
  const { BERTH_DEMO_STATE: state, BERTH_DEMO_LISTEN: listen } = process.env
  const prefix = [
    state ? `BERTH_DEMO_STATE=${state} ` : '',
    listen ? `BERTH_DEMO_LISTEN=${listen} ` : '',
  ].join('')
  const at = listen || '127.0.0.1:7080'
  return { driver, listen: at, url: `http://${at}`, state: state || defaultState(driver), prefix }
}

/** Whether the demo has a place here. */
export function isDemoPlace({ state }: DemoPlace): boolean {
  return existsSync(join(state, MARKER))
}

/**
 * Makes the directory the demo's.
 * @throws Error when it holds an installation that the demo did not make
 */
export function takePlace(place: DemoPlace): void {
  if (isDemoPlace(place)) return
  if (existsSync(join(place.state, 'berth.db'))) {
    throw new Error(
      `${place.state} holds an installation that is not the demo's. Give BERTH_DEMO_STATE another directory.`,
    )
  }
  mkdirSync(place.state, { recursive: true, mode: 0o711 })
  writeFileSync(
    join(place.state, MARKER),
    'Made by npm run demo; removed as a whole by npm run demo -- --clean.\n',
  )
}
