import { fstatSync, ftruncateSync, writeSync } from 'node:fs'

/** Bytes after which the log starts over. */
const MAX_LOG = 1024 * 1024

/** Writes one line to standard error, which is the log file; it starts over when it has grown too large. */
export function relayLog(message: string): void {
  try {
    const stat = fstatSync(2)
    // Opened for appending, so the next write of every process that shares it lands at the new end.
    if (stat.isFile() && stat.size > MAX_LOG) ftruncateSync(2)
    writeSync(2, `${new Date().toISOString()} ${process.pid} ${message}\n`)
  } catch {
    // A full disk must not end the connections.
  }
}
