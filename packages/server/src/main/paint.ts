import { styleText } from 'node:util'

export type Paint = 'green' | 'yellow' | 'red' | 'bold' | 'dim'

/** Text in a colour where standard output is a terminal; NO_COLOR (no-color.org) leaves it plain there too. */
export function painted(paint: Paint | undefined, text: string): string {
  return paint !== undefined && process.stdout.isTTY ? styleText(paint, text) : text
}

const STATUS_PAINT: Readonly<Record<string, Paint>> = {
  success: 'green',
  pending: 'yellow',
  submitted: 'yellow',
  destroying: 'yellow',
  failed: 'red',
  destroyfailed: 'red',
}

/** The colour of a status word, whatever follows it. */
export function statusPaint(status: string): Paint | undefined {
  return STATUS_PAINT[/^\w+/.exec(status)?.[0] ?? '']
}
