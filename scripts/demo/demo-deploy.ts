import { setTimeout as sleep } from 'node:timers/promises'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { DemoClient } from './demo-client.ts'
import type { DemoPlace } from './demo-place.ts'
import { ensureKeyPair, forgetHostKeys } from './demo-ssh.ts'
import { StepProgress } from './step-progress.ts'

export const PROJECT = `${PROJECTS_PATH}/defaultproject`
export const INSTANCES = 'workspaces/default/computeinstances'
const COLLECTION = `${PROJECT}/${INSTANCES}`
const DEADLINE_SECONDS = 900

/**
 * Brings the VM `demo` up from whatever state it is in, and waits until it runs.
 * @param notice what to say before a guest boots; null for nothing
 */
export async function deployDemo(
  place: DemoPlace,
  client: DemoClient,
  interruption: AbortSignal,
  notice: string | null,
): Promise<ComputeInstance> {
  let existing = await client.call<ComputeInstance>('GET', `${COLLECTION}/demo`)
  if (existing?.status.status === 'destroying') {
    console.log('The VM "demo" is being deleted; waiting for that.')
    existing = await deleted(client, interruption)
  }
  const { status, powerState, reason } = existing?.status ?? {}
  if (existing && status === 'success' && powerState === 'running') {
    console.log('The VM "demo" runs already.')
    return existing
  }
  if (notice !== null) console.log(notice)
  if (!existing) {
    await apply(place, client)
  } else if (status === 'failed') {
    console.log(`The VM "demo" failed before (${reason}). Publishing it again:`)
  } else if (status !== 'success') {
    console.log('The VM "demo" is there already, but not up. Going on with it:')
  }
  if (status !== 'success') {
    await client.call('POST', `${COLLECTION}/demo/publish`)
    const instance = await settled(client, interruption)
    if (instance.status.powerState !== 'stopped') return instance
  }
  console.log('The VM "demo" is stopped. Starting it:')
  await client.call('POST', `${COLLECTION}/demo/action/start`)
  return settled(client, interruption)
}

async function apply(place: DemoPlace, client: DemoClient): Promise<void> {
  forgetHostKeys(place)
  console.log('Applying and publishing the VM "demo" (2 vCPUs, 2 GiB, Debian 12):')
  // A simulated guest has no login. Without a key Berth makes a password.
  const variables = place.driver === 'qemu' ? [{ name: 'SSH Public Keys', value: ensureKeyPair(place) }] : []
  await client.call('POST', `${COLLECTION}?fail-on-exists=true`, {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name: 'demo', description: 'Deployed by npm run demo' },
    spec: { computeProfile: { name: 'no-gpu-vm', systemCatalog: true }, variables },
  })
}

/** Shows the steps until the VM is up or has failed. */
async function settled(client: DemoClient, signal: AbortSignal): Promise<ComputeInstance> {
  const progress = new StepProgress()
  const deadline = Date.now() + DEADLINE_SECONDS * 1_000
  while (Date.now() < deadline) {
    const instance = await client.call<ComputeInstance>('GET', `${COLLECTION}/demo`)
    if (!instance) throw new Error('The VM "demo" was deleted while it was being deployed.')
    progress.update(instance)
    const { status, reason } = instance.status
    if (status === 'success') return instance
    if (status === 'failed' || status === 'destroyfailed') throw new Error(`The VM failed: ${reason}`)
    await sleep(300, undefined, { signal })
  }
  throw new Error(`The VM was not up within ${DEADLINE_SECONDS / 60} minutes.`)
}

async function deleted(client: DemoClient, signal: AbortSignal): Promise<null> {
  const deadline = Date.now() + DEADLINE_SECONDS * 1_000
  while (Date.now() < deadline) {
    const instance = await client.call<ComputeInstance>('GET', `${COLLECTION}/demo`)
    if (!instance) return null
    if (instance.status.status === 'destroyfailed')
      throw new Error(`The VM could not be deleted: ${instance.status.reason}`)
    await sleep(300, undefined, { signal })
  }
  throw new Error(`The VM was not deleted within ${DEADLINE_SECONDS / 60} minutes.`)
}
