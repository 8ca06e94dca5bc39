import type { NetworkDifference } from '../network/network-difference.ts'
import { table } from './text-table.ts'

/** A difference that was found as a guest was looked at. */
export interface FoundDifference extends NetworkDifference {
  readonly project: string
  readonly guest: string
}

/** Differences for an operator, in tables: what guests share stands once, whoever of them it was found with. */
export function differencesText(found: readonly FoundDifference[]): string {
  const rows = (scopes: readonly string[], cells: (difference: FoundDifference) => string[]) => {
    const lines = found.filter(({ of }) => scopes.includes(of)).map(cells)
    return [...new Map(lines.map((line) => [JSON.stringify(line), line])).values()]
  }
  const tables = [
    { head: ['EDGE ROUTER'], rows: rows(['edge', 'host'], ({ what }) => [what]) },
    { head: ['PROJECT', 'DIFFERENCE'], rows: rows(['project'], ({ project, what }) => [project, what]) },
    {
      head: ['PROJECT', 'GUEST', 'DIFFERENCE'],
      rows: rows(['guest'], ({ project, guest, what }) => [project, guest, what]),
    },
  ]
  return tables
    .filter((each) => each.rows.length > 0)
    .map((each) => table(each.head, each.rows))
    .join('\n')
}
