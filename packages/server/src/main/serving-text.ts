import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { Config } from './config.ts'
import { reachOf } from './uplink.ts'

/**
 * What a person who starts the server at a terminal needs next.
 * @param url where the API answers, such as `http://127.0.0.1:7080`
 */
export function servingText(url: string, config: Config): string {
  const key = join(config.state, 'admin.key')
  const profiles = `${url}${PROJECTS_PATH}/defaultproject/computeprofiles`
  const host = config.driver === 'simulated' ? ', on a simulated host: nothing is started' : ''
  return `
Berth serves ${url} (state: ${config.state}${host}).
${reachOf(config).message}

${
  existsSync(key)
    ? `The operator's API key is in ${key}. In another terminal, as this user:

  curl -s -H "x-api-key: $(cat '${key}')" ${profiles}  # what can be deployed
`
    : `The operator's API key is where it was moved to: ${key} is gone.
`
}
docs/api.md says what the API can do. Ctrl-C ends the server; guests run on.

`
}
