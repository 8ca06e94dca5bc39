import { closeSync, copyFileSync, constants, fsyncSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** What a backup says of itself; kept in a table of its own inside the copy of the database. */
export interface BackupRecord {
  readonly berthVersion: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** The id of the key that seals the secrets inside (SecretBox). */
  readonly keyId: string
  /** The text of secret.key; null when it is kept apart. */
  readonly secretKey: string | null
  /** The text of admin.key; null when it is kept apart or was moved elsewhere. */
  readonly adminKey: string | null
}

/** A file that cannot be restored, or a database that cannot be copied; the message says why. */
export class BackupError extends Error {}

/**
 * Copies a database that may be in use into `target`, as it is at one moment, checked and flushed to disk.
 * Writers go on meanwhile: VACUUM INTO reads one snapshot of the write-ahead log.
 * @param target must not exist; readable by its owner only
 * @throws BackupError when the copy is damaged
 */
export function writeBackup(databasePath: string, target: string, record: BackupRecord): void {
  closeSync(openSync(target, 'wx', 0o600))
  try {
    const source = new DatabaseSync(databasePath, { timeout: 5000 })
    try {
      source.prepare('VACUUM INTO ?').run(target)
    } finally {
      source.close()
    }
    const copy = new DatabaseSync(target)
    try {
      copy.exec(`CREATE TABLE backup_record (
        format INTEGER NOT NULL, berth_version TEXT NOT NULL, created_at TEXT NOT NULL,
        key_id TEXT NOT NULL, secret_key TEXT, admin_key TEXT)`)
      copy
        .prepare('INSERT INTO backup_record VALUES (1, ?, ?, ?, ?, ?)')
        .run(record.berthVersion, record.createdAt, record.keyId, record.secretKey, record.adminKey)
      checkIntegrity(copy, databasePath)
    } finally {
      copy.close()
    }
    syncFile(target)
  } catch (error) {
    rmSync(target, { force: true })
    throw error
  }
}

/**
 * Makes a backup into a database again, at `target`, which must not exist: checked, without the backup's own
 * table, and flushed to disk.
 * @throws BackupError when the file is not a backup, is damaged, or is of a format that is not known here
 */
export function unpackBackup(file: string, target: string): BackupRecord {
  copyFileSync(file, target, constants.COPYFILE_EXCL)
  try {
    const copy = new DatabaseSync(target)
    try {
      const record = readRecord(copy, file)
      checkIntegrity(copy, file)
      copy.exec('PRAGMA secure_delete = ON; DROP TABLE backup_record; VACUUM')
      return record
    } finally {
      copy.close()
      syncFile(target)
    }
  } catch (error) {
    rmSync(target, { force: true })
    throw error
  }
}

function readRecord(database: DatabaseSync, file: string): BackupRecord {
  let row: Record<string, unknown> | undefined
  try {
    row = database.prepare('SELECT * FROM backup_record').get()
  } catch (error) {
    throw new BackupError(`${file} is not a backup that berth backup has written.`, { cause: error })
  }
  if (row?.['format'] !== 1) {
    throw new BackupError(
      `${file} is a backup of a format that this version does not know. Use a newer Berth.`,
    )
  }
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : null)
  return {
    berthVersion: text('berth_version') ?? '',
    createdAt: text('created_at') ?? '',
    keyId: text('key_id') ?? '',
    secretKey: text('secret_key'),
    adminKey: text('admin_key'),
  }
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  let problem: unknown
  try {
    problem = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']
  } catch (error) {
    problem = (error as Error).message
  }
  if (problem !== 'ok') throw new BackupError(`${path} is damaged: ${String(problem).slice(0, 200)}.`)
}

/** Moves the write-ahead log of a database that nobody uses into its file, so that the file is the whole of it. */
export function foldWriteAheadLog(path: string): void {
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE')
  } finally {
    database.close()
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
