import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../host/error-code.ts'
import { acquireProcessLock, type ProcessLock } from '../host/process-lock.ts'
import { ConfigError } from './config.ts'

/**
 * Makes STATE and takes it for this process.
 * @throws ConfigError naming the process that has it
 */
export function takeStateDirectory(path: string): ProcessLock {
  makeDirectory(path)
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

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new ConfigError(
      `The state directory ${path} cannot be made (${errorCode(error)}). Run as root, or give --state a directory of your own.`,
    )
  }
}

function pidIn(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
