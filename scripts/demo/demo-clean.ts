import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { CensusEntry } from '@berth/contract/host/census'
import type { DemoClient } from './demo-client.ts'
import { deleteEverything } from './demo-delete.ts'
import { announceRemoval, isDemoDirectory } from './demo-marker.ts'
import type { DemoPlace } from './demo-place.ts'
import { BERTH, servingPid, type DemoServer } from './demo-server.ts'

/** How long the host may take to let go of what the server had, once that has ended. */
const CENSUS_SECONDS = 15

/**
 * Deletes every guest of the demo through its API, ends its server, and removes its directory.
 * @throws Error when the directory is not the demo's, or something of it is left on the host
 */
export async function cleanDemo(
  place: DemoPlace,
  client: DemoClient,
  server: DemoServer,
  interruption: AbortSignal,
): Promise<void> {
  if (!isDemoDirectory(place)) {
    console.log(`There is nothing to remove: ${place.state} holds no demo.`)
    return
  }
  const began = ['berth.db', 'instances'].some((name) => existsSync(join(place.state, name)))
  if (began || isAlive(servingPid(place))) {
    const pid = await serve(place, client, server)
    await deleteEverything(client, interruption)
    announceRemoval(place)
    process.kill(pid, 'SIGTERM')
    await untilGone(pid)
    await refuseLeftovers(place, interruption)
  }
  rmSync(place.state, { recursive: true, force: true })
  console.log(
    place.driver === 'qemu'
      ? `Removed: the guests, their networks and ${place.state}. Guest images stay in the cache for next time.`
      : `Removed: the simulated machines and ${place.state}.`,
  )
}

/** The process that serves the demo: the one that runs already, else a new one. */
async function serve(place: DemoPlace, client: DemoClient, server: DemoServer): Promise<number> {
  const running = servingPid(place)
  if (running !== null && isAlive(running) && (await client.isServed())) return running
  await server.start(client)
  const started = servingPid(place)
  if (started === null) throw new Error(server.lastWords())
  return started
}

async function refuseLeftovers(place: DemoPlace, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + CENSUS_SECONDS * 1_000
  let left = await census(place, signal)
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(500, undefined, { signal })
    left = await census(place, signal)
  }
  if (left.length === 0) return
  const shown = left.map(({ kind, name }) => `  ${kind.padEnd(10)} ${name}`).join('\n')
  throw new Error(`${place.state} stays, because something of the demo is left on this host:\n${shown}`)
}

async function census(place: DemoPlace, signal: AbortSignal): Promise<CensusEntry[]> {
  const words = ['census', '--json', '--state', place.state, '--driver', place.driver]
  const { stdout } = await promisify(execFile)(BERTH, words, { signal, timeout: 60_000 })
  return JSON.parse(stdout) as CensusEntry[]
}

function isAlive(pid: number | null): boolean {
  if (pid === null) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (!isAlive(pid)) return
    await sleep(100)
  }
  throw new Error(`berth serve (pid ${pid}) did not end within 30 s.`)
}
