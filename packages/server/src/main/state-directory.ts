import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCode } from '../host/error-code.ts'
import { acquireProcessLock, type ProcessLock } from '../host/process-lock.ts'
import { holdsSchema } from '../store/holds-schema.ts'
import { ConfigError } from './config.ts'

/** What a directory holds as soon as Berth, or its demo, has used it. */
const OWN_FILES = new Set(['berth.db', 'secret.key', 'admin.key', 'serve.lock', 'demo.json', 'instances'])
/** What a directory for Berth may hold before: what a new file system has (mke2fs(8)), and a log that a shell opened. */
const HARMLESS = /^lost\+found$|\.log$/
/** Files that the refusal of somebody else's directory names. */
const NAMED = 3

/**
 * Makes STATE and takes it for this process.
 * @throws ConfigError naming the process that has it, whose it is, or why it cannot be made
 */
export function takeStateDirectory(path: string): ProcessLock {
  const owner = join(path, 'serve.pid')
  refuseForeign(path)
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
 * Berth opens its directory to guests and fills it: somebody else's is left as it is.
 * @throws ConfigError when there are files in it, and none that Berth makes
 */
function refuseForeign(path: string): void {
  if (!existsSync(path) || !statSync(path).isDirectory()) return
  const held = explained(path, () => readdirSync(path)).filter((name) => !HARMLESS.test(name))
  if (held.length === 0 || held.some((name) => OWN_FILES.has(name))) return
  const names = held.toSorted().slice(0, NAMED)
  if (held.length > NAMED) names.push(`${held.length - NAMED} more`)
  throw new ConfigError(
    `${path} holds files that are not Berth’s (${names.join(', ')}). Give --state an empty directory, or one that ` +
      'is not there yet, such as a directory below it.',
  )
}

/**
 * A new database beside guests of an old one would know none of them, and its key would replace theirs.
 * @throws ConfigError when STATE has guests but no database, or an empty one
 */
export function refuseLostDatabase(path: string): void {
  const database = join(path, 'berth.db')
  const instances = join(path, 'instances')
  if (!existsSync(instances) || explained(path, () => readdirSync(instances)).length === 0) return
  if (existsSync(database) && holdsSchema(database)) return
  throw new ConfigError(
    `${instances} holds guests, but the database ${database} is ${existsSync(database) ? 'empty' : 'gone'}. ` +
      'Restore a backup with berth restore FILE --force, or move the directory away to begin anew.',
  )
}

/**
 * Where the database of an installation is.
 * @throws ConfigError when STATE has none, or an empty one
 */
export function databaseIn(state: string): string {
  const path = join(state, 'berth.db')
  if (!existsSync(path))
    throw new ConfigError(`${state} holds no installation (flag --state, variable BERTH_STATE).`)
  if (holdsSchema(path)) return path
  throw new ConfigError(
    `The database ${path} is empty. Restore a backup with berth restore FILE --force, or, where there never were ` +
      'guests, start berth serve.',
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
