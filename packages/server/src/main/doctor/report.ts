import { painted } from '../paint.ts'
import type { Finding } from './finding.ts'

const MARKS = { ok: 'ok     ', warning: 'warning', missing: 'MISSING' } as const
const PAINTS = { ok: 'green', warning: 'yellow', missing: 'red' } as const

/** The findings as a table, each remedy on a line below what it is for, and what they come to. */
export function reportText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length))
  const indent = ' '.repeat(MARKS.ok.length + width + 4)
  const lines = findings.flatMap(({ what, state, detail, remedy }) => [
    `${painted(PAINTS[state], MARKS[state])}  ${what.padEnd(width)}  ${detail}`,
    ...(remedy === undefined ? [] : [`${indent}-> ${remedy}`]),
  ])
  return `${lines.join('\n')}\n\n${verdict(findings)}\n`
}

function verdict(findings: readonly Finding[]): string {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const [gaps, warnings] = [count('missing'), count('warning')]
  const things = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
  if (gaps > 0) return `This host cannot run guests yet: ${things(gaps, 'thing')} missing.`
  return warnings > 0
    ? `This host can run guests; ${things(warnings, 'warning')}.`
    : 'This host can run guests.'
}

/** The exit code: 1 only when something is missing that guests need. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ state }) => state === 'missing') ? 1 : 0
}
