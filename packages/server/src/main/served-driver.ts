import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFile } from '../host/private-file.ts'
import type { Config, ConfigFlags } from './config.ts'
import { requireOwnState } from './state-access.ts'

/** STATE/driver: the driver that served this state last. */
function recordOf(state: string): string {
  return join(state, 'driver')
}

/** Notes in STATE which driver serves it, for commands that look at the host without a server. */
export function rememberDriver(state: string, driver: Config['driver']): void {
  if (servedDriver(state) !== driver || !existsSync(recordOf(state)))
    writePrivateFile(recordOf(state), `${driver}\n`)
}

/** The driver that served STATE last; undefined where nothing tells. */
function servedDriver(state: string): Config['driver'] | undefined {
  if (existsSync(recordOf(state))) {
    const text = readFileSync(recordOf(state), 'utf8').trim()
    if (text === 'qemu' || text === 'simulated') return text
  }
  const simulatedOnly = existsSync(join(state, 'simulated')) && !existsSync(join(state, 'instances'))
  return simulatedOnly ? 'simulated' : undefined
}

/**
 * The configuration with the driver that STATE was served with, unless the command line names another.
 * @throws ConfigError when STATE is another user's
 */
export function withServedDriver(config: Config, flags: ConfigFlags): Config {
  if (flags.driver !== undefined) return config
  requireOwnState(config.state)
  return { ...config, driver: servedDriver(config.state) ?? config.driver }
}
