import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'
import { LogDestination } from './log-destination.ts'

/** Structured logs, one JSON object a line, on standard error. Keys and passwords never reach a log call. */
export function createLogger(level: Config['logLevel']): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: ['*.password', '*.headers'] },
    new LogDestination(2),
  )
}
