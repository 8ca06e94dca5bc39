import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigError } from './config.ts'

/**
 * Makes STATE and takes it for this process. The lock is an exclusive SQLite transaction: the kernel ends it
 * with the process, however that dies.
 * @returns a function that gives it back
 * @throws ConfigError naming the process that has it
 */
export function takeStateDirectory(path: string): () => void {
  mkdirSync(path, { recursive: true })
  // QEMU's unprivileged user must be able to pass through to its guests' directories.
  chmodSync(path, 0o711)
  const lock = new DatabaseSync(join(path, 'serve.lock'))
  const owner = join(path, 'serve.pid')
  try {
    lock.exec('PRAGMA busy_timeout = 0')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new ConfigError(
      `${path} is in use by another berth serve${pidIn(owner)}. Stop that one, or give --state another directory.`,
      {
        cause: error,
      },
    )
  }
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 })
  return () => lock.close()
}

function pidIn(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
