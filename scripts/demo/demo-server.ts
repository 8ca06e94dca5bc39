import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoClient } from './demo-client.ts'
import type { DemoPlace } from './demo-place.ts'

/** The longest start: the accelerator probe waits up to 20 s for a guest that never answers. */
const START_SECONDS = 90
export const BERTH = join(import.meta.dirname, '../../bin/berth')

export function logOf(place: DemoPlace): string {
  return join(place.state, 'serve.log')
}

/**
 * Begins `berth serve`. It is kept away from the terminal's Ctrl-C, which would otherwise reach it twice: once
 * by itself and once through its parent.
 */
export function spawnServer(place: DemoPlace): ChildProcess {
  const log = openSync(logOf(place), 'w', 0o600)
  const flags = ['serve', '--state', place.state, '--listen', place.listen, '--driver', place.driver]
  const server = spawn(BERTH, flags, { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  return server
}

/**
 * Waits until the server that was begun, and no other on its port, is ready.
 * @throws Error with the server's own last words when it ends instead
 */
export async function untilReady(server: ChildProcess, place: DemoPlace, client: DemoClient): Promise<void> {
  const deadline = Date.now() + START_SECONDS * 1_000
  while (Date.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(lastWords(place))
    if (servingPid(place) === server.pid && isServing(place) && (await client.isReady())) return
    await sleep(100)
  }
  server.kill()
  throw new Error(`berth serve was not ready within ${START_SECONDS} s. ${lastWords(place)}`)
}

/** The process that holds the demo's directory, or held it last; undefined when none ever did. */
export function servingPid(place: DemoPlace): number | undefined {
  try {
    return Number(readFileSync(join(place.state, 'serve.pid'), 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether the server has said that it listens: before that, another one may answer on its port. */
function isServing(place: DemoPlace): boolean {
  return readFileSync(logOf(place), 'utf8').includes('"msg":"serving"')
}

/** What the server said last that is not a log entry, else its last log entry. */
function lastWords(place: DemoPlace): string {
  const lines = readFileSync(logOf(place), 'utf8').trim().split('\n')
  return lines.findLast((line) => !line.startsWith('{')) ?? lines.at(-1) ?? 'The server said nothing.'
}
