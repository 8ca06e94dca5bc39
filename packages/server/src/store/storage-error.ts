/** Why, when there is no room. */
export const DISK_FULL = 'the disk that holds the database is full'

/** SQLite's result codes for storage that takes no more (sqlite.org/rescode.html): FULL, IOERR, CANTOPEN. */
const STORAGE_CODES = new Map([
  [13, DISK_FULL],
  [10, 'the disk that holds the database reports an error'],
  [14, 'the database cannot be opened, perhaps for want of file descriptors'],
])

/** The codes for a file that is no whole database: CORRUPT, NOTADB. */
const DAMAGE_CODES: readonly number[] = [11, 26]

/** Why the database could not be written, as a phrase; null when the error is another one. */
export function storageProblem(error: unknown): string | null {
  const known = sqliteErrors(error).find(({ code }) => STORAGE_CODES.has(code))
  return known === undefined ? null : (STORAGE_CODES.get(known.code) ?? null)
}

/** What is wrong with the database itself, in SQLite's words; null when the error is another one. */
export function databaseDamage(error: unknown): string | null {
  return sqliteErrors(error).find(({ code }) => DAMAGE_CODES.includes(code))?.message ?? null
}

/** Those of SQLite among an error and its causes, with their plain result codes. */
function sqliteErrors(error: unknown): { code: number; message: string }[] {
  const found: { code: number; message: string }[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { errcode } = cause as { errcode?: unknown }
    // Extended codes carry the plain one in their lowest byte.
    if (typeof errcode === 'number') found.push({ code: errcode & 0xff, message: cause.message })
  }
  return found
}
