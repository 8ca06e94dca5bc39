import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { endWithReader } from '../packages/server/src/host/closed-output.ts'
import { Installation } from '../test/simulation/installation.ts'
import { CRASH_POINTS } from '../test/simulation/points.ts'
import { Simulation } from '../test/simulation/simulation.ts'

// npm run simulate -- --seeds 10000 [--from 1] [--workers N]: plays seeded runs, on every core unless told, and stops
// at the first that breaks a promise.

const REPORT_EACH = 500

/** Which seeds a worker plays: `from`, and every `step`th before `end`. */
interface Share {
  readonly from: number
  readonly end: number
  readonly step: number
}

/** What a worker tells: another run is over, and where its servers died; or which seed broke a promise. */
type Message = { readonly crashedAt: readonly string[] } | { readonly broken: string }

async function playShare({ from, end, step }: Share): Promise<void> {
  const crashedAt = new Set<string>()
  const state = mkdtempSync(join(tmpdir(), 'berth-simulate-'))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  const tell = (message: Message) => parentPort?.postMessage(message)
  try {
    const installation = await Installation.open(state)
    for (let seed = from; seed < end; seed += step) {
      await Simulation.play(seed, installation, crashedAt)
      tell({ crashedAt: [...crashedAt] })
    }
  } catch (error) {
    tell({ broken: error instanceof Error ? error.message : String(error) })
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

function playAll(): void {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const [first, seeds] = [Number(values.from), Number(values.seeds)]
  const step = Math.max(1, Math.min(Number(values.workers), seeds))
  const crashedAt = new Set<string>()
  const started = performance.now()
  let done = 0
  for (let from = first; from < first + step; from++) {
    const share: Share = { from, end: first + seeds, step }
    const worker = new Worker(import.meta.filename, { workerData: share })
    worker.on('message', (message: Message) => {
      if ('broken' in message) {
        console.error(`${message.broken}\nPlay it again with: npm run simulate -- --seeds 1 --from SEED`)
        process.exit(1)
      }
      for (const point of message.crashedAt) crashedAt.add(point)
      done += 1
      const seconds = (performance.now() - started) / 1000
      if (done % REPORT_EACH === 0 && done < seeds) console.log(`${done} runs in ${Math.round(seconds)} s`)
      if (done < seeds) return
      const rate = (done / seconds).toFixed(1)
      console.log(
        `${done} runs kept every promise, ${rate} a second; the server died at ` +
          `${CRASH_POINTS.filter((point) => crashedAt.has(point)).length} of ${CRASH_POINTS.length} named points.`,
      )
    })
  }
}

if (isMainThread) {
  endWithReader()
  playAll()
} else await playShare(workerData as Share)
