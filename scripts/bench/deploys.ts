import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatusStep } from '@berth/contract/instance-status'
import { instanceBody, INSTANCES, serviceBody } from '../../test/support/api-client.ts'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { ServiceStory } from '../../test/support/service-story.ts'
import { table } from './table.ts'

/** How long one real deployment took, and each of its phases. */
export interface Deploy {
  readonly what: string
  /** From just before the publish was sent to the first answer that said success. */
  readonly seconds: number
  readonly phases: readonly { readonly name: string; readonly seconds: number }[]
}

const VM = 'virtual machine'

/**
 * Deploys a virtual machine and two notebooks, one after the other, on real guests.
 * @param progress told what comes next
 */
export async function measureDeploys(progress: (what: string) => void): Promise<Deploy[]> {
  const state = passableDirectory()
  // The first notebook is to fetch its image, so it must not be in the cache from before.
  const cache = passableDirectory()
  symlinkSync(join(imageCacheDir(), 'images'), join(cache, 'images'))
  try {
    const story = await ServiceStory.begin(state, { BERTH_CACHE: cache })
    try {
      return await deployAll(story, progress)
    } finally {
      await story.end()
    }
  } finally {
    for (const directory of [state, cache]) rmSync(directory, { recursive: true, force: true })
  }
}

/** A directory that the guests' user may pass through. */
function passableDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-bench-'))
  chmodSync(directory, 0o711)
  return directory
}

async function deployAll(story: ServiceStory, progress: (what: string) => void): Promise<Deploy[]> {
  progress(VM)
  await story.api.call('POST', INSTANCES, instanceBody('vm'))
  const from = performance.now()
  await story.api.call('POST', `${INSTANCES}/vm/publish`)
  const { status } = await story.api.waitForStatus('vm', 'success', 600)
  const deploys = [deployOf(VM, from, status.steps)]
  await story.api.call('DELETE', `${INSTANCES}/vm`)
  for (const what of ['first notebook', 'second notebook']) {
    progress(what)
    const name = what.replace(' ', '-')
    await story.apply(serviceBody(name))
    const began = performance.now()
    const service = await story.publish(name)
    deploys.push(deployOf(what, began, service.status.steps))
    await story.delete(name)
  }
  return deploys
}

function deployOf(what: string, from: number, steps: readonly StatusStep[]): Deploy {
  const phases = steps.map(({ name, startedAt, finishedAt }) => ({
    name,
    seconds: (Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt)) / 1_000,
  }))
  return { what, seconds: (performance.now() - from) / 1_000, phases }
}

/** The deployments as people read them: one row a phase. */
export function deploysText(deploys: readonly Deploy[]): string {
  const names = [...new Set(deploys.flatMap(({ phases }) => phases.map(({ name }) => name)))]
  const secondsOf = ({ phases }: Deploy, name: string) =>
    phases.find((phase) => phase.name === name)?.seconds.toFixed(1) ?? ''
  const rows = [
    ['seconds', ...deploys.map(({ what }) => what)],
    ...names.map((name) => [name, ...deploys.map((deploy) => secondsOf(deploy, name))]),
    ['publish to success', ...deploys.map(({ seconds }) => seconds.toFixed(1))],
  ]
  return `${table(rows).join('\n')}\n`
}
