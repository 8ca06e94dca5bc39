import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoClient } from './demo-client.ts'
import type { DemoPlace } from './demo-place.ts'

/** The longest start: the accelerator probe waits up to 20 s for a guest that never answers. */
const START_SECONDS = 90
const BERTH = join(import.meta.dirname, '../../bin/berth')

export function logOf(place: DemoPlace): string {
  return join(place.state, 'serve.log')
}

/**
 * Starts `berth serve` and waits until it is ready. It is kept away from the terminal's Ctrl-C, which would
 * otherwise reach it twice: once by itself and once through its parent.
 * @throws Error with the server's own last words when it ends instead
 */
export async function startServer(place: DemoPlace, client: DemoClient): Promise<ChildProcess> {
  mkdirSync(place.state, { recursive: true, mode: 0o711 })
  const log = openSync(logOf(place), 'w', 0o600)
  const flags = ['serve', '--state', place.state, '--listen', place.listen, '--driver', place.driver]
  const server = spawn(BERTH, flags, { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  const deadline = Date.now() + START_SECONDS * 1_000
  while (Date.now() < deadline) {
    if (server.exitCode !== null) throw new Error(lastWords(place))
    if ((await client.isReady()) && server.exitCode === null) return server
    await sleep(100)
  }
  server.kill()
  throw new Error(`berth serve was not ready within ${START_SECONDS} s. ${lastWords(place)}`)
}

/** What the server said last that is not a log entry, else its last log entry. */
function lastWords(place: DemoPlace): string {
  const lines = readFileSync(logOf(place), 'utf8').trim().split('\n')
  return lines.findLast((line) => !line.startsWith('{')) ?? lines.at(-1) ?? 'The server said nothing.'
}
