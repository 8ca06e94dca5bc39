import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCode } from '../../host/error-code.ts'
import { writePrivateFile } from '../../host/private-file.ts'
import { BackupError, foldWriteAheadLog, unpackBackup, type BackupRecord } from '../../store/backup.ts'
import { secretKeyId } from '../../store/secret-box.ts'
import { DISK_FULL, storageProblem } from '../../store/storage-error.ts'
import { Store } from '../../store/store.ts'
import { ConfigError, type Config } from '../config.ts'
import { takeStateDirectory } from '../state-directory.ts'

export interface RestoreOptions {
  /** Replaces the database of a directory that is not empty; guests stay as they are. */
  readonly force?: boolean
  /** A file with the installation's secret.key, for backups that do not hold it. */
  readonly key?: string
}

/** What may lie in a STATE that counts as empty. */
const NOTHING = new Set(['serve.lock', 'serve.pid', 'lost+found'])

/**
 * `berth restore FILE`: makes STATE what it was at the backup. Nothing of it is touched before the backup has
 * proven whole, of a schema that this program knows, and to come with its key.
 * @throws ConfigError, BackupError or SchemaError that explains itself
 */
export async function restoreCommand(config: Config, file: string, options: RestoreOptions): Promise<void> {
  const source = resolve(file)
  const { state } = config
  if (!existsSync(source)) throw new BackupError(`${source} does not exist.`)
  const found = entriesOf(state).filter((name) => !NOTHING.has(name))
  // Taken before the refusal below: that a server runs there matters more than that it is not empty.
  const lock = takeStateDirectory(state, {
    forGuests: false,
    tell: (sentence) => process.stdout.write(`${sentence}\n`),
  })
  try {
    if (found.length > 0 && options.force !== true) {
      throw new ConfigError(
        `${state} is not empty (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}). ` +
          'Give --state an empty directory, or replace its database with --force: its guests stay.',
      )
    }
    const unpacked = join(state, `berth.db.restore-${process.pid}`)
    removeDatabase(unpacked)
    try {
      const record = unpackBackup(source, unpacked)
      const secretKey = keyFor(record, state, options.key)
      await migrateCopy(unpacked)
      const replaced = putInPlace(state, unpacked, record, secretKey)
      report(state, record, replaced)
    } catch (error) {
      throw lacksRoom(error) ? noRoomIn(state, source) : error
    } finally {
      removeDatabase(unpacked)
    }
  } finally {
    rmSync(join(state, 'serve.pid'), { force: true })
    lock.release()
  }
}

function lacksRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '') || storageProblem(error) === DISK_FULL
}

function noRoomIn(state: string, source: string): ConfigError {
  const needed = Math.ceil(statSync(source).size / 2 ** 20)
  return new ConfigError(
    `The disk that holds ${state} is full: a restore needs about twice the size of the backup (${needed} MiB). ` +
      'Free some space on it and restore again.',
  )
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw new ConfigError(`The state directory ${directory} cannot be read (${errorCode(error)}).`)
  }
}

/** The text of the key that opens the backup's secrets: from the backup, from `keyFile`, or already in STATE. */
function keyFor(record: BackupRecord, state: string, keyFile: string | undefined): string {
  const inPlace = join(state, 'secret.key')
  const candidates = [
    keyFile === undefined ? null : readKey(keyFile),
    record.secretKey,
    existsSync(inPlace) ? readKey(inPlace) : null,
  ].filter((text) => text !== null)
  const fitting = candidates.find((text) => secretKeyId(Buffer.from(text.trim(), 'hex')) === record.keyId)
  if (fitting !== undefined) return fitting
  throw new BackupError(
    candidates.length === 0
      ? `The backup does not hold its installation's secret.key (id ${record.keyId}). Give that file with --key.`
      : `The secrets in this backup were sealed with key ${record.keyId}, and the key given is another. Give the right secret.key with --key.`,
  )
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new BackupError(`The key ${path} cannot be read (${errorCode(error)}).`)
  }
}

/** Brings the copy to this program's schema before anything is replaced. */
async function migrateCopy(path: string): Promise<void> {
  const store = await Store.open(path)
  await store.close()
  foldWriteAheadLog(path)
}

/**
 * The rename is what counts: before it the old installation is whole, after it the restored one. The old
 * write-ahead log has to be gone by then, for SQLite would apply it to the new file.
 * @returns where the old database is kept; null when there was none
 */
function putInPlace(state: string, unpacked: string, record: BackupRecord, secretKey: string): string | null {
  const database = join(state, 'berth.db')
  const stamp = new Date().toISOString().replaceAll(/[^0-9TZ]/g, '')
  let kept: string | null = null
  if (existsSync(database)) {
    kept = `${database}.replaced-${stamp}`
    setLogAside(database, kept)
    linkSync(database, kept)
  }
  replaceKey(join(state, 'secret.key'), secretKey, stamp)
  if (record.adminKey !== null) replaceKey(join(state, 'admin.key'), record.adminKey, stamp)
  renameSync(unpacked, database)
  return kept
}

/** Leaves the old database without a log; one too damaged to take its log in keeps it beside the copy. */
function setLogAside(database: string, kept: string): void {
  try {
    foldWriteAheadLog(database)
  } catch {
    // Why a backup is restored in the first place.
  }
  if (existsSync(`${database}-wal`)) renameSync(`${database}-wal`, `${kept}-wal`)
  rmSync(`${database}-shm`, { force: true })
}

function replaceKey(path: string, text: string, stamp: string): void {
  if (existsSync(path)) {
    if (readFileSync(path, 'utf8').trim() === text.trim()) return
    linkSync(path, `${path}.replaced-${stamp}`)
  }
  writePrivateFile(path, `${text.trim()}\n`)
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}

function report(state: string, record: BackupRecord, replaced: string | null): void {
  process.stdout.write(`Restored ${state} as it was at ${record.createdAt} (Berth ${record.berthVersion}).\n`)
  if (replaced !== null) process.stdout.write(`The database that was there is kept as ${replaced}.\n`)
  process.stdout.write(
    `Start the server with: berth serve --state ${state}\nIt adopts the guests that run.\n`,
  )
}
