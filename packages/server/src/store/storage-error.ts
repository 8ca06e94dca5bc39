/** SQLite's result codes for storage that takes no more (sqlite.org/rescode.html): FULL, IOERR, CANTOPEN. */
const STORAGE_CODES = new Map([
  [13, 'the disk that holds the database is full'],
  [10, 'the disk that holds the database reports an error'],
  [14, 'the database cannot be opened, perhaps for want of file descriptors'],
])

/** Why the database could not be written, as a phrase; null when the error is another one. */
export function storageProblem(error: unknown): string | null {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { errcode } = cause as { errcode?: unknown }
    // Extended codes carry the plain one in their lowest byte.
    const problem = typeof errcode === 'number' ? STORAGE_CODES.get(errcode & 0xff) : undefined
    if (problem !== undefined) return problem
  }
  return null
}
