import { setTimeout as sleep } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { BenchClient } from './bench-client.ts'
import { instancesPath, nameOf } from './bench-objects.ts'
import { BenchServer } from './bench-server.ts'
import { fillState } from './fill-state.ts'

const PAGE = 50
const CONNECTIONS = 16
const RUNNING_SECONDS = 30
/** Simulated forwards share few ports, so that now and then a guest does not get one. */
const RUNNING_SHARE = 0.95

export interface Seeded {
  /** Of how many objects the guest runs. */
  readonly running: number
  /** Names of the objects that were never published. */
  readonly unpublished: readonly string[]
}

/**
 * Makes a state with so many objects, and deploys those that the first and the last page of a list show, so
 * that both pages hold objects with everything that an object can have.
 * @throws Error when too few guests come up
 */
export async function seed(state: string, objects: number): Promise<Seeded> {
  // A server's first start makes the database and the catalogue.
  await (await BenchServer.start({ state })).stop()
  await fillState(state, objects)
  const server = await BenchServer.start({ state })
  const client = new BenchClient(server, CONNECTIONS)
  try {
    const shown = [...(await page(client, 0)), ...(await page(client, objects - PAGE))]
    const published = new Set(shown.map(({ name }) => name))
    await Promise.all([...published].map((name) => client.call('POST', `${instancesPath()}/${name}/publish`)))
    const running = await untilRunning(client, objects, published.size)
    const names = Array.from({ length: objects }, (_, index) => nameOf(index))
    return { running, unpublished: names.filter((name) => !published.has(name)) }
  } finally {
    client.close()
    await server.stop()
  }
}

async function page(client: BenchClient, offset: number): Promise<{ name: string; status: string }[]> {
  const path = `${instancesPath()}?limit=${PAGE}&offset=${offset}`
  const list = (await client.call('GET', path)) as { items: ComputeInstance[] }
  return list.items.map(({ metadata, status }) => ({ name: metadata.name, status: status?.status ?? '' }))
}

async function untilRunning(client: BenchClient, objects: number, wanted: number): Promise<number> {
  const deadline = performance.now() + RUNNING_SECONDS * 1_000
  for (;;) {
    const pages = [...(await page(client, 0)), ...(await page(client, objects - PAGE))]
    const up = pages.filter(({ status }) => status === 'success').length
    if (up >= wanted * RUNNING_SHARE && pages.every(({ status }) => status !== 'submitted')) return up
    if (performance.now() > deadline) throw new Error(`Only ${up} of ${wanted} guests came up.`)
    await sleep(100)
  }
}
