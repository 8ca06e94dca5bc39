import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCode } from '../host/error-code.ts'
import { acquireProcessLock, type ProcessLock } from '../host/process-lock.ts'
import { ConfigError } from './config.ts'

/**
 * Makes STATE and takes it for this process.
 * @throws ConfigError naming the process that has it, or why it cannot be made
 */
export function takeStateDirectory(path: string): ProcessLock {
  const owner = join(path, 'serve.pid')
  const lock = explained(path, () => {
    makeDirectory(path)
    // QEMU's unprivileged user must be able to pass through to its guests' directories.
    chmodSync(path, 0o711)
    return acquireProcessLock(join(path, 'serve.lock'))
  })
  if (!lock) {
    throw new ConfigError(
      `${path} is in use by another berth serve${pidIn(owner)}. Stop that one, or give --state another directory.`,
    )
  }
  explained(path, () => writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 }))
  return lock
}

/**
 * A new database beside guests of an old one would know none of them, and its key would replace theirs.
 * @throws ConfigError when STATE has guests but no database
 */
export function refuseLostDatabase(path: string): void {
  if (existsSync(join(path, 'berth.db'))) return
  const instances = join(path, 'instances')
  if (!existsSync(instances) || explained(path, () => readdirSync(instances)).length === 0) return
  throw new ConfigError(
    `${instances} holds guests, but the database ${join(path, 'berth.db')} is gone. ` +
      'Restore a backup with berth restore FILE --force, or move the directory away to begin anew.',
  )
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const why = errorCode(error) ?? String(error)
    throw new ConfigError(
      `The state directory ${path} cannot be made or written (${why}). Run as root, or give --state a directory of your own.`,
    )
  }
}

/** Directories above STATE that are made with it, at most. */
const MAX_MISSING = 64

/** One level after the other: a recursive mkdir below /proc never ends. */
function makeDirectory(path: string): void {
  const missing: string[] = []
  for (let at = path; !existsSync(at) && missing.length < MAX_MISSING; at = dirname(at)) missing.unshift(at)
  for (const directory of missing) {
    try {
      mkdirSync(directory)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' })
}

function pidIn(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
