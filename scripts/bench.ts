import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithReader } from '../packages/server/src/host/closed-output.ts'
import { deploysText, measureDeploys } from './bench/deploys.ts'
import { describeMachine, loadAverage } from './bench/machine.ts'
import { operations } from './bench/operations.ts'
import { reportText, summarize, type Report } from './bench/report.ts'
import { runRound, type Round } from './bench/round.ts'
import { seed } from './bench/seed.ts'

const USAGE = `Usage: npm run bench [-- OPTION…]
  --deploys       instead of the API, measure real deployments: a virtual machine, two notebooks; needs root
  --json FILE     also write everything that was measured, each run on its own
  --seconds N     how long one measurement takes (default: 2)
  --runs N        how often everything is measured, time permitting (default: 3)
  --objects N     how many objects there are, 200 or more (default: 10000)
`
const FEWEST_OBJECTS = 200
const CONNECTIONS = [1, 32]
/** A run that would end later is left out; a busy machine makes seeding and starting slow. */
const MOST_SECONDS = 175

interface Options {
  readonly deploys: boolean
  readonly json: string | undefined
  readonly seconds: number
  readonly runs: number
  readonly objects: number
}

/** Undefined when the arguments make no sense. */
function readOptions(): Options | undefined {
  const text = { type: 'string' } as const
  try {
    const deploys = { type: 'boolean', default: false } as const
    const { values } = parseArgs({
      options: { deploys, json: text, seconds: text, runs: text, objects: text },
    })
    const { json, seconds = '2', runs = '3', objects = '10000' } = values
    const numbers = { seconds: Number(seconds), runs: Number(runs), objects: Number(objects) }
    const options = { deploys: values.deploys, json, ...numbers }
    const sound =
      options.seconds > 0 &&
      options.runs >= 1 &&
      Number.isInteger(options.runs) &&
      options.objects >= FEWEST_OBJECTS
    return sound ? options : undefined
  } catch {
    return undefined
  }
}

const startedAt = performance.now()

function progress(what: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)
  process.stderr.write(`bench: ${seconds} s  ${what}\n`)
}

async function bench(directory: string, { seconds, runs, objects }: Options): Promise<Report> {
  const before = loadAverage()
  const machine = describeMachine(directory)
  const seeded = join(directory, 'seeded')
  progress(`making ${objects} objects`)
  const { running, unpublished } = await seed(seeded, objects)
  const rounds: Round[] = []
  const shared = { seeded, operations: operations(objects), unpublished, connections: CONNECTIONS, seconds }
  for (let run = 1; run <= runs; run += 1) {
    const plan = { ...shared, directory: join(directory, `run-${run}`) }
    const from = performance.now()
    rounds.push(await runRound(plan, (what) => progress(`run ${run} of ${runs}: ${what}`)))
    const now = performance.now()
    if (run < runs && now - startedAt + (now - from) > MOST_SECONDS * 1_000) {
      progress(`no time for run ${run + 1}: ${MOST_SECONDS} s would not be enough`)
      break
    }
  }
  const after = loadAverage()
  return { machine, loadAverage: { before, after }, objects, running, seconds, rounds, ...summarize(rounds) }
}

async function benchApi(options: Options): Promise<void> {
  // In the checkout, since a /tmp that is held in memory would make every write look free.
  const parent = join(import.meta.dirname, '../.berth')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'bench-'))
  try {
    const report = await bench(directory, options)
    print(options, report, reportText(report))
    if (report.requests.some(({ errors }) => errors > 0)) process.exitCode = 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function benchDeploys(options: Options): Promise<void> {
  const deploys = await measureDeploys(progress)
  print(options, deploys, deploysText(deploys))
}

function print({ json }: Options, report: object, text: string): void {
  process.stdout.write(text)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
}

endWithReader()
const options = readOptions()
if (options) await (options.deploys ? benchDeploys(options) : benchApi(options))
else {
  process.stderr.write(USAGE)
  process.exitCode = 2
}
