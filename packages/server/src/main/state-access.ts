import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../host/error-code.ts'
import { ConfigError } from './config.ts'
import { shellWord } from '../host/shell-word.ts'

/** What commands need of an installation besides the directory itself, which its guests may pass through as well. */
const NEEDED = ['driver', 'berth.db', 'secret.key', 'admin.key']

/**
 * For commands that read an installation, before they do.
 * @throws ConfigError saying whose STATE is and what to type, when this user may not read and write it
 */
export function requireOwnState(state: string): void {
  if (NEEDED.every((name) => isOpen(join(state, name)))) return
  const owner = existsSync(state) ? statSync(state).uid : 0
  const whose = existsSync(state) ? `belongs to ${nameOf(owner)}` : 'cannot be reached by this user'
  throw new ConfigError(`${state} ${whose}. Type: ${sameCommandOf(owner, state)}`)
}

/** What the system refused to this user, which is root's as a rule, such as the cache; null for any other error. */
export function deniedAccess(error: unknown): ConfigError | null {
  if (!isDenial(error) || process.getuid?.() === 0) return null
  const { path } = error as NodeJS.ErrnoException
  if (path === undefined) return null
  return new ConfigError(`This user may not use ${path}. Type: ${sameCommandOf(0)}`)
}

/** What is not there keeps nobody out. */
function isOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch (error) {
    return !isDenial(error)
  }
}

function isDenial(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(errorCode(error) ?? '')
}

function nameOf(uid: number): string {
  return uid === 0 ? 'root' : `user ${uid}`
}

/** The words of this process as that user; sudo drops variables, one of which may have named STATE. */
function sameCommandOf(uid: number, state?: string): string {
  const words = process.argv.slice(2)
  const isNamed = words.some((word) => word === '--state' || word.startsWith('--state='))
  const all = ['berth', ...words, ...(isNamed || state === undefined ? [] : ['--state', state])].map(
    shellWord,
  )
  return [uid === 0 ? 'sudo' : `sudo -u '#${uid}'`, ...all].join(' ')
}
