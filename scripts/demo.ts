import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { cleanDemo } from './demo/demo-clean.ts'
import { DemoClient } from './demo/demo-client.ts'
import { demoPlace, isDemoPlace, takePlace, type DemoPlace } from './demo/demo-place.ts'
import { logOf, spawnServer, untilReady } from './demo/demo-server.ts'
import { ensureKeyPair, forgetHostKeys, keyPath, writeSshConfig } from './demo/demo-ssh.ts'
import { StepProgress } from './demo/step-progress.ts'

const INSTANCES = 'workspaces/default/computeinstances'
const DEADLINE_SECONDS = 900

/** Applies and publishes the VM `demo`, unless it is there already, and waits until it runs. */
async function deploy(place: DemoPlace, client: DemoClient): Promise<ComputeInstance> {
  const existing = await client.call<ComputeInstance>('GET', `${INSTANCES}/demo`)
  if (existing?.status.status === 'success' && existing.status.powerState === 'running') {
    console.log('The VM "demo" runs already.')
    return existing
  }
  if (existing?.status.status === 'success' && existing.status.actions.includes('start')) {
    console.log('The VM "demo" is stopped; starting it:')
    await client.call('POST', `${INSTANCES}/demo/action/start`)
    return watch(client)
  }
  if (!existing) await apply(place, client)
  await client.call('POST', `${INSTANCES}/demo/publish`)
  return watch(client)
}

async function apply(place: DemoPlace, client: DemoClient): Promise<void> {
  console.log('Applying and publishing the VM "demo" (2 vCPUs, 2 GiB, Debian 12):')
  const variables: { name: string; value: string }[] = []
  if (place.driver === 'qemu') {
    forgetHostKeys(place)
    variables.push({ name: 'SSH Public Keys', value: ensureKeyPair(place) })
  }
  await client.call('POST', `${INSTANCES}?fail-on-exists=true`, {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name: 'demo', description: 'Deployed by npm run demo' },
    spec: { computeProfile: { name: 'no-gpu-vm', systemCatalog: true }, variables },
  })
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

/** How to go on from here; the commands mean this very place. */
function nextCommands({ prefix, driver }: DemoPlace): string {
  const flags = driver === 'simulated' ? ['--simulated'] : []
  const command = (...words: string[]) =>
    [`${prefix}npm run demo`, ...(words.length > 0 ? ['--', ...words] : [])].join(' ')
  const commands = [
    [command(...flags), 'start the server again'],
    [command(...flags, '--clean'), 'remove everything'],
  ] as const
  const width = Math.max(...commands.map(([text]) => text.length))
  return commands.map(([text, what]) => `  ${text.padEnd(width)}   ${what}`).join('\n')
}

/** Runs the server in the foreground until it ends, by Ctrl-C at any time or by a clean elsewhere. */
async function run(place: DemoPlace, client: DemoClient): Promise<void> {
  takePlace(place)
  console.log(`Starting Berth on ${place.url} (state: ${place.state}).`)
  const server = spawnServer(place)
  let interrupted = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true
      server.kill('SIGTERM')
    })
  }
  const ended = once(server, 'exit')
  try {
    await untilReady(server, place, client)
    report(place, await deploy(place, client))
  } catch (error) {
    if (server.exitCode === null) server.kill('SIGTERM')
    if (!interrupted) {
      console.error(`demo: ${error instanceof Error ? error.message : 'failed'} (log: ${logOf(place)})`)
      process.exitCode = 1
    }
  }
  await ended
  if (!isDemoPlace(place)) {
    console.log('\nThe server has ended, and the demo was removed.')
    return
  }
  const goesOn =
    place.driver === 'qemu' ? 'A VM that runs goes on running' : 'What was deployed is remembered'
  console.log(
    `\nThe server has ended. ${goesOn}; what was under way goes on with the next server.\n\n${nextCommands(place)}`,
  )
}

const place = demoPlace(process.argv.includes('--simulated'))
const client = new DemoClient(place)
try {
  await (process.argv.includes('--clean') ? cleanDemo(place, client) : run(place, client))
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
}
