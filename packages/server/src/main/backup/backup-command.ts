import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCode } from '../../host/error-code.ts'
import { BackupError, writeBackup } from '../../store/backup.ts'
import { databaseDamage } from '../../store/storage-error.ts'
import { secretKeyId } from '../../store/secret-box.ts'
import type { Config } from '../config.ts'
import { databaseIn } from '../state-directory.ts'
import { VERSION } from '../version.ts'

export interface BackupOptions {
  /** Puts STATE/secret.key and STATE/admin.key into the backup. */
  readonly withKey?: boolean
  /** Replaces an existing file. */
  readonly force?: boolean
}

/** `berth backup FILE`: copies the database of an installation, whether its server runs or not. */
export function backupCommand(config: Config, file: string, options: BackupOptions): void {
  const { state } = config
  const target = resolve(file)
  const database = databaseIn(state)
  if (existsSync(target) && options.force !== true) {
    throw new BackupError(`${target} exists. Choose another file, or replace it with --force.`)
  }
  const secretKey = readKey(join(state, 'secret.key'))
  const adminKeyFile = join(state, 'admin.key')
  const adminKey = existsSync(adminKeyFile) ? readFileSync(adminKeyFile, 'utf8') : null
  const temporary = `${target}.${process.pid}.tmp`
  try {
    writeBackup(database, temporary, {
      berthVersion: VERSION,
      createdAt: new Date().toISOString(),
      keyId: secretKeyId(Buffer.from(secretKey.trim(), 'hex')),
      secretKey: options.withKey ? secretKey : null,
      adminKey: options.withKey ? adminKey : null,
    })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    const code = errorCode(error)
    if (code === undefined || error instanceof BackupError || databaseDamage(error) !== null) throw error
    throw new BackupError(`${target} could not be written (${code}): ${(error as Error).message}.`)
  }
  process.stdout.write(`${target}  ${Math.ceil(statSync(target).size / 1024)} KiB\n`)
  process.stdout.write(
    options.withKey
      ? 'It holds the keys of this installation: whoever reads it can read every password in it.\n'
      : `It does not hold ${join(state, 'secret.key')}, without which it cannot be restored. Keep a copy of that file elsewhere.\n`,
  )
  process.stdout.write('The disks of the guests are not part of it.\n')
}

/** @throws BackupError when it cannot be read: a backup names the key that it is to be restored with */
function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new BackupError(
      `${path} cannot be read (${errorCode(error)}). The database's secrets are sealed with it: put it back first.`,
    )
  }
}
