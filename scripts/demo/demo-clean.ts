import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CensusEntry } from '@berth/contract/host/census'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { DemoClient } from './demo-client.ts'
import { isDemoPlace, type DemoPlace } from './demo-place.ts'
import { BERTH, servingPid, spawnServer, untilReady } from './demo-server.ts'

const DEADLINE_SECONDS = 120
const PAGE = 50

interface Listed {
  readonly items: readonly { readonly metadata: { readonly name: string } }[]
}

/**
 * Deletes every guest of the demo through its API, ends its server, and removes its directory once nothing of
 * it is left on the host.
 * @throws Error naming what is left, which then stays
 */
export async function cleanDemo(place: DemoPlace, client: DemoClient): Promise<void> {
  if (!isDemoPlace(place)) {
    console.log(`There is nothing to remove: ${place.state} holds no demo.`)
    return
  }
  const pid = await ensureServer(place, client)
  await deleteEverything(client)
  process.kill(pid, 'SIGTERM')
  await untilGone(pid)
  const left = census(place)
  if (left.length > 0) {
    throw new Error(
      `Still on this host: ${left.map(({ kind, name }) => `${kind} ${name}`).join(', ')}. ${place.state} stays.`,
    )
  }
  rmSync(place.state, { recursive: true, force: true })
  const what = place.driver === 'qemu' ? 'the guests, their networks' : 'the simulated host'
  console.log(`Removed: ${what} and ${place.state}.`)
  if (place.driver === 'qemu') console.log('Guest images stay in the cache for next time.')
}

/** The process of the demo's server, started if none runs. */
async function ensureServer(place: DemoPlace, client: DemoClient): Promise<number> {
  const pid = servingPid(place)
  if (pid !== undefined && isAlive(pid) && (await client.isReady())) return pid
  const server = spawnServer(place)
  await untilReady(server, place, client)
  if (server.pid === undefined) throw new Error('berth serve could not be started.')
  return server.pid
}

async function deleteEverything(client: DemoClient): Promise<void> {
  const projects = await names(client, '/apis/system.k8smgmt.io/v3/projects')
  const paths: string[] = []
  for (const project of [...projects, 'system-catalog']) {
    for (const workspace of await names(client, `${PROJECTS_PATH}/${project}/workspaces`)) {
      paths.push(`${PROJECTS_PATH}/${project}/workspaces/${workspace}/computeinstances`)
    }
  }
  const deadline = Date.now() + DEADLINE_SECONDS * 1_000
  for (const path of paths) {
    for (let held = await names(client, path); held.length > 0; held = await names(client, path)) {
      if (Date.now() > deadline)
        throw new Error(`${held.join(', ')} could not be deleted within ${DEADLINE_SECONDS} s.`)
      for (const name of held) await client.call('DELETE', `${path}/${name}`)
      await sleep(500)
    }
  }
}

/** The names on all pages of a list. */
async function names(client: DemoClient, path: string): Promise<string[]> {
  const found: string[] = []
  for (let offset = 0; ; offset += PAGE) {
    const page = await client.call<Listed>('GET', `${path}?limit=${PAGE}&offset=${offset}`)
    const items = page?.items ?? []
    found.push(...items.map((item) => item.metadata.name))
    if (items.length < PAGE) return found
  }
}

function census(place: DemoPlace): CensusEntry[] {
  const words = ['census', '--json', '--state', place.state, '--driver', place.driver]
  return JSON.parse(execFileSync(BERTH, words, { encoding: 'utf8', timeout: 60_000 })) as CensusEntry[]
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (!isAlive(pid)) return
    await sleep(100)
  }
  throw new Error(`berth serve (pid ${pid}) did not end within 30 s.`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
