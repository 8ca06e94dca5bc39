import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the demo keeps everything that is its own. */
export interface DemoPlace {
  readonly state: string
  readonly listen: string
  readonly url: string
  readonly driver: 'qemu' | 'simulated'
}

/** Not below a home directory: the guests' unprivileged user could not reach its disks there. */
function defaultState(driver: DemoPlace['driver']): string {
  return process.getuid?.() === 0
    ? `/var/lib/berth-demo-${driver}`
    : join(homedir(), `.local/state/berth-demo-${driver}`)
}

/** BERTH_STATE and BERTH_LISTEN move the demo elsewhere. */
export function demoPlace(simulated: boolean): DemoPlace {
  const driver = simulated ? 'simulated' : 'qemu'
  const listen = process.env['BERTH_LISTEN'] || '127.0.0.1:7080'
  return {
    driver,
    listen,
    url: `http://${listen}`,
    state: process.env['BERTH_STATE'] || defaultState(driver),
  }
}
