import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { acquireProcessLock, type ProcessLock } from '../host/process-lock.ts'
import { ConfigError } from './config.ts'

/**
 * Makes STATE and takes it for this process.
 * @throws ConfigError naming the process that has it
 */
export function takeStateDirectory(path: string): ProcessLock {
  mkdirSync(path, { recursive: true })
  // QEMU's unprivileged user must be able to pass through to its guests' directories.
  chmodSync(path, 0o711)
  const owner = join(path, 'serve.pid')
  const lock = acquireProcessLock(join(path, 'serve.lock'))
  if (!lock) {
    throw new ConfigError(
      `${path} is in use by another berth serve${pidIn(owner)}. Stop that one, or give --state another directory.`,
    )
  }
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 })
  return lock
}

function pidIn(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
