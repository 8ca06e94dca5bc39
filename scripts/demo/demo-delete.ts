import { setTimeout as sleep } from 'node:timers/promises'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { SYSTEM_CATALOG } from '@berth/contract/profile'
import { PROJECT_LIST, type DemoClient } from './demo-client.ts'

/** After this long without one instance less, deleting is given up. */
const STALL_SECONDS = 120

interface Named {
  readonly metadata: { readonly name: string }
}

/**
 * Deletes every instance of every workspace of every project, and waits until nothing of them is left.
 * @throws Error naming those that could not be deleted
 */
export async function deleteEverything(client: DemoClient, signal: AbortSignal): Promise<void> {
  let fewest = Infinity
  let deadline = 0
  for (;;) {
    const held = await everyInstance(client)
    if (held.size === 0) return
    if (held.size < fewest) {
      fewest = held.size
      deadline = Date.now() + STALL_SECONDS * 1_000
    }
    if (Date.now() > deadline) throw new Error(stalled([...held.values()]))
    for (const [path, { status }] of held)
      if (status.status !== 'destroying') await client.call('DELETE', path)
    await sleep(500, undefined, { signal })
  }
}

/** By path. The list of projects leaves the catalogue's out, whose workspaces hold instances as any other's. */
async function everyInstance(client: DemoClient): Promise<Map<string, ComputeInstance>> {
  const held = new Map<string, ComputeInstance>()
  const projects = await client.all<Named>(PROJECT_LIST)
  for (const project of new Set([...projects.map(({ metadata }) => metadata.name), SYSTEM_CATALOG])) {
    const workspaces = `${PROJECTS_PATH}/${project}/workspaces`
    for (const { metadata: workspace } of await client.all<Named>(workspaces)) {
      const path = `${workspaces}/${workspace.name}/computeinstances`
      for (const instance of await client.all<ComputeInstance>(path))
        held.set(`${path}/${instance.metadata.name}`, instance)
    }
  }
  return held
}

function stalled(left: readonly ComputeInstance[]): string {
  const lines = left.slice(0, 20).map(({ metadata, status }) => `  ${metadata.name}: ${status.reason}`)
  const more = left.length > lines.length ? [`  and ${left.length - lines.length} more`] : []
  return [`Nothing more could be deleted for ${STALL_SECONDS} s. Left are:`, ...lines, ...more].join('\n')
}
