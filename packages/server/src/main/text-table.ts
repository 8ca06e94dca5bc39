import { painted, type Paint } from './paint.ts'

/**
 * Rows as columns of text, two spaces apart, one line a row.
 * @param paintOf the colour of a cell, on a terminal
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paintOf: (cell: string, column: string | undefined) => Paint | undefined = () => undefined,
): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[], paint: typeof paintOf) => {
    const cells = row.map((cell, column) => {
      const isLast = column === row.length - 1
      const space = isLast ? '' : ' '.repeat((widths[column] ?? 0) - cell.length)
      return `${painted(paint(cell, head[column]), cell)}${space}`
    })
    return cells.join('  ').trimEnd()
  }
  return `${[line(head, () => 'bold'), ...rows.map((row) => line(row, paintOf))].join('\n')}\n`
}
