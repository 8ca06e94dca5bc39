import { DatabaseSync } from 'node:sqlite'

/** Held until `release`, or until the process ends in whatever way. */
export interface ProcessLock {
  release(): void
}

/**
 * Takes the lock on a file, or answers null when another process has it. It is the lock that SQLite puts on
 * its files (fcntl, advisory): the kernel drops it with the process, child processes do not inherit it, and
 * unlike an abstract socket's name no other user of the host can take it first.
 */
export function acquireProcessLock(path: string): ProcessLock | null {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (/locked|busy/i.test(String(error))) return null
    throw error
  }
  return { release: () => database.close() }
}
