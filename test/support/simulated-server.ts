import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig, type ConfigFlags } from '../../packages/server/src/main/config.ts'
import type { SimulatedSettings } from '../../packages/server/src/main/simulated-settings.ts'
import { serve, type RunningServer } from '../../packages/server/src/main/serve.ts'
import { createLogger } from '../../packages/server/src/main/logger.ts'
import { ApiClient } from './api-client.ts'

/** A server on the simulated driver in this process, and a client with its operator key. */
export interface SimulatedServer {
  readonly api: ApiClient
  readonly state: string
  stop(): Promise<void>
}

/** @param state directory; a second server on it takes over what the first one left */
export async function startSimulated(
  state: string,
  settings: Partial<SimulatedSettings> = {},
  flags: ConfigFlags = {},
): Promise<SimulatedServer> {
  const env = { BERTH_SIMULATED: JSON.stringify(settings) }
  const config = loadConfig({ ...flags, state, driver: 'simulated', listen: '127.0.0.1:0' }, env)
  const server: RunningServer = await serve(config, createLogger('silent'))
  const key = readFileSync(join(state, 'admin.key'), 'utf8').trim()
  return { api: new ApiClient(server.url, key), state, stop: () => server.stop() }
}
