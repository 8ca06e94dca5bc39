import type { LogLine } from '../../machine-driver.ts'
import { guestText } from '../guest-text.ts'

/** The journal's entries that are asked for; of a line that is longer than conmon's buffer, each piece is one. */
export const JOURNAL_ENTRIES = 60

/** Bytes of the journal's JSON that are looked at. One entry takes at most half of them, written as numbers. */
export const JOURNAL_BYTES = 128 * 1024

/** Of a line without an end, in characters. */
const MAX_LINE = 32 * 1024
const MAX_ENGINE_WORDS = 600

/** What stands in the journal of an application's unit. */
export interface JournalWords {
  readonly log: readonly LogLine[]
  /** What the container engine complained of after the application's last line; "" for nothing. */
  readonly engineError: string
}

interface Entry {
  readonly text: string
  readonly isPiece: boolean
  /** Where the application wrote it: its standard output and its standard error come in pieces of their own. */
  readonly stream: string
  readonly by: 'application' | 'engine'
}

/**
 * Reads what `journalctl --output=json` printed: untrusted, and cut off at its beginning when it is long. conmon's
 * entries carry the container's name, and hold a long line in pieces (conmon(8), CONTAINER_PARTIAL_MESSAGE); what
 * podman itself writes to its standard error comes from the unit.
 */
export function journalWords(output: string): JournalWords {
  const printed = output.slice(-JOURNAL_BYTES).split('\n').filter(Boolean)
  const entries = printed.flatMap(entryOf)
  const isCut = printed.length >= JOURNAL_ENTRIES || entries.length < printed.length
  const lines: LogLine[] = []
  const begun = new Map<string, LogLine>()
  const seen = new Set<string>()
  let complaints: string[] = []
  for (const { text, isPiece, stream, by } of entries) {
    if (by === 'engine') {
      if (text.startsWith('Error:')) complaints.push(text)
      continue
    }
    complaints = []
    const before = begun.get(stream) ?? { text: '', isWhole: !isCut || seen.has(stream) }
    seen.add(stream)
    const line = shortened({ ...before, text: before.text + text })
    begun.set(stream, line)
    if (isPiece) continue
    begun.delete(stream)
    lines.push(line)
  }
  return {
    log: [...lines, ...begun.values()].map(shown).filter(({ text }) => text !== ''),
    engineError: engineWords(complaints.at(-1) ?? ''),
  }
}

function entryOf(line: string): Entry[] {
  const fields = parsed(line)
  const text = fields && messageOf(fields['MESSAGE'])
  if (!fields || text === undefined) return []
  if (fields['CONTAINER_NAME'] === undefined && fields['_TRANSPORT'] !== 'stdout') return []
  return [
    {
      text,
      isPiece: fields['CONTAINER_PARTIAL_MESSAGE'] === 'true',
      stream: String(fields['PRIORITY']),
      by: fields['CONTAINER_NAME'] === undefined ? 'engine' : 'application',
    },
  ]
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Text that is not plain UTF-8 comes as a list of its bytes (journalctl(1), --output=json). */
function messageOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const isBytes = Array.isArray(value) && value.every((byte) => Number.isInteger(byte))
  return isBytes ? Buffer.from(value as number[]).toString('utf8') : undefined
}

function shortened(line: LogLine): LogLine {
  return line.text.length > MAX_LINE ? { text: line.text.slice(-MAX_LINE), isWhole: false } : line
}

/** As a terminal shows it: a progress bar writes over itself. */
function shown({ text, isWhole }: LogLine): LogLine {
  const written = text.trimEnd()
  const start = written.lastIndexOf('\r') + 1
  const rest = guestText(written.slice(start), MAX_LINE).replaceAll('\n', ' ')
  return { text: rest, isWhole: isWhole || start > 0 }
}

/** One sentence's worth of podman's words; whole ids of containers tell nobody anything. */
function engineWords(complaint: string): string {
  const text = guestText(complaint.slice('Error:'.length, MAX_LINE), MAX_LINE)
  const words = text.replaceAll(/\s+/g, ' ').replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1')
  const sentence = words.trim().replace(/[.]$/, '')
  return sentence.length > MAX_ENGINE_WORDS ? `${sentence.slice(0, MAX_ENGINE_WORDS)}…` : sentence
}
