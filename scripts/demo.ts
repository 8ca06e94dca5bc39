import { setTimeout as sleep } from 'node:timers/promises'
import { cleanDemo } from './demo/demo-clean.ts'
import { DemoClient } from './demo/demo-client.ts'
import { deployDemo } from './demo/demo-deploy.ts'
import { isBeingRemoved, isDemoDirectory } from './demo/demo-marker.ts'
import { demoPlace } from './demo/demo-place.ts'
import { DemoServer } from './demo/demo-server.ts'
import { endedText, failedText, interruptedCleanText, upText, type DemoPhase } from './demo/demo-text.ts'

/** What a shell reports of a program that Ctrl-C ended. */
const INTERRUPTED = 130

const place = demoPlace(process.argv.includes('--simulated'))
const interruption = new AbortController()
const client = new DemoClient(place, interruption.signal)
const server = new DemoServer(place)
let phase: DemoPhase = 'starting'

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
    // Refused before anything is said about next steps: this directory is none of the demo's.
    isDemoDirectory(place)
  } catch (error) {
    return complain(error)
  }
  try {
    console.log(`Starting Berth on ${place.url} (state: ${place.state}).`)
    await server.start(client)
    phase = 'deploying'
    const instance = await deployDemo(place, client, interruption.signal)
    phase = 'up'
    console.log(upText(place, instance))
    await server.ended
    console.log(endedText(place, phase))
  } catch (error) {
    await failed(error)
  }
}

async function failed(cause: unknown): Promise<void> {
  // A request that broke off is the first sign of a server that ends.
  if (cause instanceof TypeError) await Promise.race([server.ended, sleep(2_000)])
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
