import { medianFigures, median, restlessness, type Figures } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Round } from './round.ts'
import { table } from './table.ts'

/** Everything that a run of the benchmark found out; what `--json` writes. */
export interface Report {
  readonly machine: Machine
  /** The load average of the last minute, before the first and after the last measurement. */
  readonly loadAverage: { readonly before: number; readonly after: number }
  readonly objects: number
  readonly running: number
  readonly seconds: number
  readonly rounds: readonly Round[]
  /** Medians over the rounds. */
  readonly requests: readonly RequestResult[]
  readonly server: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
}

interface RequestResult extends Figures {
  readonly name: string
  readonly connections: number
}

/** What the rounds say together. */
export function summarize(rounds: readonly Round[]): Pick<Report, 'requests' | 'server' | 'warnings'> {
  const [first] = rounds
  if (!first) throw new Error('There is no round to report.')
  const runsOf = (index: number) => rounds.flatMap(({ measured }) => measured[index]?.figures ?? [])
  const keys = Object.keys(first.server)
  return {
    requests: first.measured.map(({ name, connections }, index) => ({
      name,
      connections,
      ...medianFigures(runsOf(index)),
    })),
    server: Object.fromEntries(
      keys.map((key) => [key, median(rounds.map(({ server }) => server[key] ?? NaN))]),
    ),
    warnings: [
      ...first.measured.flatMap(({ name, connections }, index) =>
        restlessness(
          `${name}, ${connections} connections`,
          runsOf(index).map((run) => ({ ...run })),
        ),
      ),
      ...restlessness(
        'server',
        rounds.map(({ server }) => server),
      ),
    ],
  }
}

/** The report for people. */
export function reportText(report: Report): string {
  const { machine, loadAverage, server } = report
  const objects = report.objects.toLocaleString('en')
  const rows = report.requests.map((it) => [
    it.name,
    String(it.connections),
    it.p50.toFixed(2),
    it.p99.toFixed(2),
    it.perSecond.toFixed(0),
    it.serverCpu.toFixed(2),
    String(it.errors),
  ])
  const figure = (key: string, digits: number) => (server[key] ?? Number.NaN).toFixed(digits)
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib.toFixed(0)} GiB, Linux ${machine.kernel}, Node ${machine.node}`,
    `fsync of 4 KiB ${machine.fsync.toFixed(2)} ms; load average ${loadAverage.before.toFixed(2)} before, ${loadAverage.after.toFixed(2)} after`,
    `${objects} objects, ${report.running} of them running; medians of ${report.rounds.length} runs of ${report.seconds} s`,
    '',
    ...table([['', 'connections', 'p50 ms', 'p99 ms', 'per second', 'server CPU ms', 'errors'], ...rows]),
    '',
    ...table([
      ['', 'no objects', `${objects} objects`, 'after the load'],
      ['start to ready, ms', figure('emptyStart', 0), figure('fullStart', 0), ''],
      ['idle memory, MiB', figure('emptyMemory', 0), figure('fullMemory', 0), figure('memoryAfterLoad', 0)],
    ]),
    ...report.warnings.map((warning) => `\nwarning: ${warning}`),
    '',
  ].join('\n')
}
