import { stripVTControlCharacters } from 'node:util'

/** The levels of pino that a person reads of; those below are plain. */
const LEVELS: Readonly<Record<number, string>> = { 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' }
/** What a person does not read a log for. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'err', 'reqId', 'keyId'])

/** A line of the log as a person reads it: the time of day, what happened, and with what. */
export function readableLine(line: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { level, time, msg, err } = entry
  const details = Object.entries(entry)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : ''
  const text = [String(time).slice(11, 19), `${LEVELS[Number(level)] ?? ''}${String(msg)}`, ...details].join(
    ' ',
  )
  // Paths of requests and words of guests must not steer the terminal.
  return `${stripVTControlCharacters(`${text}${stack}`).replaceAll(/[^\P{Cc}\n]/gu, '?')}\n`
}
