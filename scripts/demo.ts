import { setTimeout as sleep } from 'node:timers/promises'
import { endWithReader } from '../packages/server/src/host/closed-output.ts'
import { cleanDemo } from './demo/demo-clean.ts'
import { DemoClient } from './demo/demo-client.ts'
import { deployDemo } from './demo/demo-deploy.ts'
import { emulationText } from './demo/demo-emulation.ts'
import { isBeingRemoved } from './demo/demo-marker.ts'
import { demoPlace } from './demo/demo-place.ts'
import { settledPlace } from './demo/demo-port.ts'
import { DemoServer, runningPid } from './demo/demo-server.ts'
import { endedText, failedText, interruptedCleanText, upText, type DemoPhase } from './demo/demo-text.ts'

/** What a shell reports of a program that Ctrl-C ended. */
const INTERRUPTED = 130

endWithReader()
const interruption = new AbortController()
const place = await settledPlace(demoPlace(process.argv.includes('--simulated'))).catch((error: unknown) => {
  // Refused before anything is said about next steps: this directory is none of the demo's.
  complain(error)
  process.exit()
})
const client = new DemoClient(place, interruption.signal)
const server = new DemoServer(place)
let phase: DemoPhase = 'starting'
/** The process that serves the demo for another terminal; null when it is this one's. */
let other: number | null = null

// Before the server starts, so that no moment is left in which it could outlive this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruption.abort()
    server.stop()
  })
}

function complain(error: unknown): void {
  console.error(`demo: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
}

async function clean(): Promise<void> {
  try {
    await cleanDemo(place, client, server, interruption.signal)
  } catch (error) {
    await stopServer()
    if (!interruption.signal.aborted) return complain(error)
    console.log(interruptedCleanText(place))
    process.exitCode = INTERRUPTED
  }
}

async function run(): Promise<void> {
  try {
    other = await runningPid(place)
    if (other !== null) {
      console.log(`The demo is running already on ${place.url} (pid ${other}, state: ${place.state}).`)
      if (!(await server.join(client))) other = null
    }
    if (other === null) {
      console.log(`Starting Berth on ${place.url} (state: ${place.state}).`)
      await server.start(client)
    }
    phase = 'deploying'
    const instance = await deployDemo(place, client, interruption.signal, emulationText(server.log()))
    phase = 'up'
    console.log(upText(place, instance, other))
    if (other !== null) return
    await server.ended
    console.log(endedText(place, phase))
  } catch (error) {
    await failed(error)
  }
}

async function failed(cause: unknown): Promise<void> {
  // A request that broke off is the first sign of a server that ends.
  if (cause instanceof TypeError) await Promise.race([server.ended, sleep(2_000)])
  if (other !== null) {
    if (!interruption.signal.aborted) return complain(cause)
    console.log('\nThe server runs on in its own terminal.')
    process.exitCode = INTERRUPTED
    return
  }
  const endedByItself = phase === 'deploying' && !server.isRunning
  await stopServer()
  if (interruption.signal.aborted || isBeingRemoved(place)) {
    console.log(endedText(place, phase))
    process.exitCode = INTERRUPTED
    return
  }
  complain(endedByItself ? new Error(`The server has ended. ${server.lastWords()}`) : cause)
  console.error(`\n${failedText(place, phase)}`)
}

async function stopServer(): Promise<void> {
  if (!server.isRunning) return
  if (!interruption.signal.aborted) server.stop()
  await server.ended
}

await (process.argv.includes('--clean') ? clean() : run())
