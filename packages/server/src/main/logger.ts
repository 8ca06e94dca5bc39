import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'
import { LogDestination } from './log-destination.ts'
import { readableLine } from './terminal-log.ts'

/**
 * Structured logs on standard error: one JSON object a line, or, where that is a terminal, a line for a person. Keys and
 * passwords never reach a log call.
 */
export function createLogger(level: Config['logLevel']): Logger {
  const destination = new LogDestination(2)
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: ['*.password', '*.headers'] },
    process.stderr.isTTY ? { write: (line: string) => destination.write(readableLine(line)) } : destination,
  )
}
