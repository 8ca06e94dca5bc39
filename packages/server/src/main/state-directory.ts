import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCode } from '../host/error-code.ts'
import { acquireProcessLock, type ProcessLock } from '../host/process-lock.ts'
import { holdsSchema } from '../store/holds-schema.ts'
import { ConfigError } from './config.ts'
import { requireOwnState } from './state-access.ts'
import { foreignFiles } from './state-marks.ts'

/** The mode of STATE: QEMU's unprivileged user must be able to pass through to its guests' directories. */
const OPEN_TO_PASS = 0o711
/** Files that the refusal of somebody else's directory names. */
const NAMED = 3

/** How STATE is taken. */
interface Taking {
  /** Whether guests' processes of another user have to pass through it. */
  readonly forGuests: boolean
  /** Told in a sentence when the mode of a directory that was there is changed. */
  readonly tell: (sentence: string) => void
}

/**
 * Makes STATE and takes it for this process.
 * @throws ConfigError naming the process that has it, whose it is, or why it cannot be made
 */
export function takeStateDirectory(path: string, { forGuests, tell }: Taking): ProcessLock {
  const owner = join(path, 'serve.pid')
  const refusal = refusalOf(path)
  if (refusal !== null) throw new ConfigError(`${refusal.why}. ${refusal.remedy}`)
  const lock = explained(path, () => {
    if (makeDirectory(path)) chmodSync(path, OPEN_TO_PASS)
    else closeToOthers(path, forGuests, tell)
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

/** Berth opens its directory to guests and fills it: somebody else's is left as it is. Null where it may be taken. */
export function refusalOf(path: string): { readonly why: string; readonly remedy: string } | null {
  const foreign = explained(path, () => foreignFiles(path))
  if (foreign.length === 0) return null
  const names = foreign.slice(0, NAMED)
  if (foreign.length > NAMED) names.push(`${foreign.length - NAMED} more`)
  return {
    why: `${path} holds files that are not Berth’s (${names.join(', ')})`,
    remedy: 'Give --state an empty directory, or one that is not there yet, such as a directory below it.',
  }
}

/** Takes from a directory that was there what others need not, and lets guests through where there are any. */
function closeToOthers(path: string, forGuests: boolean, tell: (sentence: string) => void): void {
  const { mode } = statSync(path)
  const wanted = (mode & OPEN_TO_PASS) | (forGuests ? OPEN_TO_PASS : 0o700)
  if ((mode & 0o777) === wanted) return
  chmodSync(path, (mode & 0o7000) | wanted)
  const text = (bits: number) => (bits & 0o777).toString(8).padStart(4, '0')
  tell(`The mode of ${path} was ${text(mode)} and is ${text(wanted)} now.`)
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
 * @throws ConfigError when STATE has none, or an empty one, or is another user's
 */
export function databaseIn(state: string): string {
  requireOwnState(state)
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

/** One level after the other: a recursive mkdir below /proc never ends. @returns whether it was not there */
function makeDirectory(path: string): boolean {
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
  return missing.length > 0
}

function pidIn(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
