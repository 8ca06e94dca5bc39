import { setTimeout as sleep } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { cleanDemo } from './demo/demo-clean.ts'
import { DemoClient } from './demo/demo-client.ts'
import { demoPlace, type DemoPlace } from './demo/demo-place.ts'
import { logOf, startServer } from './demo/demo-server.ts'
import { ensureKeyPair, forgetHostKeys, keyPath, writeSshConfig } from './demo/demo-ssh.ts'
import { StepProgress } from './demo/step-progress.ts'

const INSTANCES = 'workspaces/default/computeinstances'
const DEADLINE_SECONDS = 900

/** Applies and publishes the VM `demo`, unless it is there already, and waits until it is up. */
async function deploy(place: DemoPlace, client: DemoClient): Promise<ComputeInstance> {
  const existing = await client.call<ComputeInstance>('GET', `${INSTANCES}/demo`)
  if (existing?.status.status === 'success') {
    console.log('The VM "demo" runs already.')
    return existing
  }
  if (!existing) {
    forgetHostKeys(place)
    console.log('Applying and publishing the VM "demo" (2 vCPUs, 2 GiB, Debian 12):')
    await client.call('POST', `${INSTANCES}?fail-on-exists=true`, {
      apiVersion: 'paas.envmgmt.io/v1',
      kind: 'ComputeInstance',
      metadata: { name: 'demo', description: 'Deployed by npm run demo' },
      spec: {
        computeProfile: { name: 'no-gpu-vm', systemCatalog: true },
        variables: [{ name: 'SSH Public Keys', value: ensureKeyPair(place) }],
      },
    })
  }
  await client.call('POST', `${INSTANCES}/demo/publish`)
  return watch(client)
}

async function watch(client: DemoClient): Promise<ComputeInstance> {
  const progress = new StepProgress()
  const deadline = Date.now() + DEADLINE_SECONDS * 1_000
  while (Date.now() < deadline) {
    const instance = await client.call<ComputeInstance>('GET', `${INSTANCES}/demo`)
    if (!instance) throw new Error('The VM "demo" was deleted while it was being deployed.')
    progress.update(instance)
    const { status, reason } = instance.status
    if (status === 'success') return instance
    if (status === 'failed' || status === 'destroyfailed') throw new Error(`The VM failed: ${reason}`)
    await sleep(300)
  }
  throw new Error(`The VM was not up within ${DEADLINE_SECONDS / 60} minutes.`)
}

function report(place: DemoPlace, instance: ComputeInstance): void {
  const output = instance.status.output['vm']?.tasks['guest'] ?? {}
  const { ServerHost: host = '', Port: port = '', Username: user = '' } = output
  const project = `${place.url}/apis/paas.envmgmt.io/v1/projects/defaultproject`
  const key = `"x-api-key: $(cat ${place.state}/admin.key)"`
  const login =
    place.driver === 'qemu'
      ? `Log in:\n\n  ${writeSshConfig(place, { host, port, user })}\n\n  (key: ${keyPath(place)})`
      : 'This host is simulated: every state is there, but no guest to log in to.'
  console.log(`
The VM is up. ${login}

See it through the API:

  curl -s -H ${key} ${project}/${INSTANCES}/demo

Next, after  BERTH=${project}  KEY=${key}

  curl -s -H "$KEY" $BERTH/computeprofiles                     what else can be deployed
  curl -s -H "$KEY" $BERTH/${INSTANCES}   what is deployed
  curl -s -H "$KEY" -X DELETE $BERTH/${INSTANCES}/demo   delete the VM

The server runs in this terminal (log: ${logOf(place)}). Ctrl-C ends it, not the VM.`)
}

const simulated = process.argv.includes('--simulated')
const place = demoPlace(simulated)
const client = new DemoClient(place)
const flag = simulated ? ' --simulated' : ''

try {
  if (process.argv.includes('--clean')) {
    await cleanDemo(place, client)
  } else {
    console.log(`Starting Berth on ${place.url} (state: ${place.state}).`)
    const server = await startServer(place, client)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => server.kill('SIGTERM'))
    const ended = new Promise<void>((resolve) => {
      server.once('exit', () => resolve())
    })
    try {
      report(place, await deploy(place, client))
    } catch (error) {
      if (server.exitCode === null) server.kill('SIGTERM')
      throw error
    }
    await ended
    const left = simulated ? 'What was deployed is remembered.' : 'The VM still runs.'
    console.log(
      `\nThe server has ended. ${left}\n  npm run demo${simulated ? ' --' : ''}${flag}            start the server again\n  npm run demo -- --clean${flag}    remove everything`,
    )
  }
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
}
