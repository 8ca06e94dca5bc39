/** What one run of a measurement found. */
export interface Figures {
  /** Milliseconds that half of the requests stayed below. */
  readonly p50: number
  /** Milliseconds that 99 of 100 requests stayed below. */
  readonly p99: number
  readonly perSecond: number
  /** Processor time of the server for one request, in milliseconds. */
  readonly serverCpu: number
  /** Requests that were not answered with success, in all. */
  readonly errors: number
}

/** Runs that differ by more than this factor are worth a warning. */
const CALM = 2

/** The value at a fraction of the way through the sorted values (nearest rank); NaN of none. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The median of each figure on its own; errors are added up. */
export function medianFigures(runs: readonly Figures[]): Figures {
  const middle = (figure: keyof Figures) => median(runs.map((run) => run[figure]))
  return {
    p50: middle('p50'),
    p99: middle('p99'),
    perSecond: middle('perSecond'),
    serverCpu: middle('serverCpu'),
    errors: runs.reduce((sum, run) => sum + run.errors, 0),
  }
}

/** By what factor the largest value exceeds the smallest; 1 for fewer than two. */
function spread(values: readonly number[]): number {
  return values.length < 2 ? 1 : Math.max(...values) / Math.min(...values)
}

/** A sentence for each figure whose runs differ too much to be believed. */
export function restlessness(what: string, runs: readonly Readonly<Record<string, number>>[]): string[] {
  return Object.keys(runs[0] ?? {})
    .filter((figure) => figure !== 'errors')
    .map((figure) => ({ figure, factor: spread(runs.map((run) => run[figure] ?? Number.NaN)) }))
    .filter(({ factor }) => factor > CALM)
    .map(
      ({ figure, factor }) =>
        `${what}: the ${figure} of its runs differs by a factor of ${factor.toFixed(1)}`,
    )
}
