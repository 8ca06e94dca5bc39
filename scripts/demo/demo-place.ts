import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { shellWord } from '../../packages/server/src/host/shell-word.ts'

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

export const DEFAULT_LISTEN = '127.0.0.1:7080'

/** What moves the demo elsewhere; BERTH_CACHE is the server's own, and the demo's server heeds it too. */
const VARIABLES = ['BERTH_DEMO_STATE', 'BERTH_DEMO_LISTEN', 'BERTH_CACHE'] as const

/**
 * BERTH_DEMO_STATE (a directory that the demo makes, and `--clean` removes) and BERTH_DEMO_LISTEN
 * (address:port) move the demo elsewhere. They are not BERTH_STATE and BERTH_LISTEN, which name the
 * operator's own installation to `berth serve`: the demo neither uses nor removes that one.
 */
export function demoPlace(simulated: boolean): DemoPlace {
  const driver = simulated ? 'simulated' : 'qemu'
  const state = resolve(process.env['BERTH_DEMO_STATE'] || defaultState(driver))
  return placeAt(state, driver, process.env['BERTH_DEMO_LISTEN'] || DEFAULT_LISTEN)
}

/** The same demo where the API answers at another place. */
export function movedTo({ state, driver }: DemoPlace, listen: string): DemoPlace {
  return placeAt(state, driver, listen)
}

function placeAt(state: string, driver: DemoPlace['driver'], listen: string): DemoPlace {
  return { state, driver, listen, url: `http://${listen}` }
}

/** What to type for this same demo again, with the variables and options that it runs with. */
export function demoCommand(place: DemoPlace, ...options: string[]): string {
  const settings = VARIABLES.flatMap((name) => {
    const value = process.env[name]
    return value ? [`${name}=${shellWord(value)}`] : []
  })
  const flags = [...(place.driver === 'simulated' ? ['--simulated'] : []), ...options]
  const sudo = process.env['SUDO_USER'] ? [sudoFindsNpm() ? 'sudo' : 'sudo env "PATH=$PATH"'] : []
  return [...sudo, ...settings, 'npm run demo', ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ')
}

/** Whether npm is on the PATH that sudo gives; the one of nvm is not. */
function sudoFindsNpm(): boolean {
  const path = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return path.some((directory) => existsSync(join(directory, 'npm')))
}
