import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoClient } from './demo-client.ts'
import { startServer } from './demo-server.ts'
import type { DemoPlace } from './demo-place.ts'

const DEADLINE_SECONDS = 120

interface Listed {
  readonly items: readonly { readonly metadata: { readonly name: string } }[]
}

/** Deletes every guest of the demo through its API, ends its server, and removes its directory. */
export async function cleanDemo(place: DemoPlace, client: DemoClient): Promise<void> {
  if (!existsSync(join(place.state, 'admin.key'))) {
    console.log(`There is nothing to remove: ${place.state} holds no demo.`)
    return
  }
  const started = (await isOwnServer(place, client)) ? null : await startServer(place, client)
  const pid = started?.pid ?? Number(readFileSync(join(place.state, 'serve.pid'), 'utf8'))
  await deleteEverything(client)
  process.kill(pid, 'SIGTERM')
  await untilGone(pid)
  rmSync(place.state, { recursive: true, force: true })
  console.log(
    `Removed: the guests, their networks and ${place.state}. Guest images stay in the cache for next time.`,
  )
}

/** Whether the server that answers is the demo's, and not some other installation on the same port. */
async function isOwnServer(place: DemoPlace, client: DemoClient): Promise<boolean> {
  if (!existsSync(join(place.state, 'serve.pid')) || !(await client.isReady())) return false
  try {
    return (await client.call('GET', 'workspaces')) !== null
  } catch {
    return false
  }
}

async function deleteEverything(client: DemoClient): Promise<void> {
  const deadline = Date.now() + DEADLINE_SECONDS * 1_000
  const workspaces = (await client.call<Listed>('GET', 'workspaces'))?.items ?? []
  for (const { metadata: workspace } of workspaces) {
    const path = `workspaces/${workspace.name}/computeinstances`
    while (Date.now() < deadline) {
      const held = (await client.call<Listed>('GET', path))?.items ?? []
      if (held.length === 0) break
      for (const { metadata } of held) await client.call('DELETE', `${path}/${metadata.name}`)
      await sleep(500)
    }
    const left = (await client.call<Listed>('GET', path))?.items ?? []
    if (left.length > 0) {
      throw new Error(
        `${left.map((item) => item.metadata.name).join(', ')} could not be deleted within ${DEADLINE_SECONDS} s.`,
      )
    }
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await sleep(100)
  }
  throw new Error(`berth serve (pid ${pid}) did not end within 30 s.`)
}
