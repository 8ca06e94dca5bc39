import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../host/error-code.ts'

/**
 * Files that Berth or its demo leaves wherever it was, and how to know them: others use such names as well. The
 * database and the lock are not opened, since closing them would end the locks that this process has on them.
 */
const MARKS: ReadonlyMap<string, (path: string) => boolean> = new Map([
  ['berth.db', () => true],
  ['serve.lock', (path) => statSync(path).size === 0],
  ['secret.key', beginsWith(/^[0-9a-f]{64}\s*$/)],
  ['admin.key', beginsWith(/^berth_/)],
  ['demo.json', beginsWith(/^\{"driver":"(qemu|simulated)"/)],
])
/** Bytes of a file that its mark is looked for in. */
const BEGINNING = 80
/** What mke2fs(8) puts into a new file system. */
const NEW_FILE_SYSTEM = 'lost+found'
const GUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * What makes a directory somebody else's, by name. Nothing does where Berth was before, nor where there is nothing but
 * what a new file system holds, and the log that this process writes to.
 * @throws the error of the system when the directory cannot be read
 */
export function foreignFiles(path: string): string[] {
  const held = namesIn(path)
  if (held.some((name) => isMark(path, name))) return []
  return held.filter((name) => !isHarmless(path, name)).toSorted()
}

function isMark(directory: string, name: string): boolean {
  const path = join(directory, name)
  // Guests whose database was lost, or that were copied here to restore it beside them.
  if (name === 'instances') return guestsIn(path).some((guest) => GUEST_ID.test(guest))
  return lstatSync(path).isFile() && MARKS.get(name)?.(path) === true
}

function isHarmless(directory: string, name: string): boolean {
  if (name === NEW_FILE_SYSTEM) return true
  const path = join(directory, name)
  // A file system of its own for the guests is mounted before the first start.
  return (name === 'instances' && guestsIn(path).length === 0) || isOwnOutput(path)
}

/** Whether a shell or a service manager opened it for what this process says. */
function isOwnOutput(path: string): boolean {
  const { dev, ino } = lstatSync(path)
  return [1, 2].some((fd) => {
    const output = fstatSync(fd)
    return output.isFile() && output.dev === dev && output.ino === ino
  })
}

function guestsIn(path: string): string[] {
  return lstatSync(path).isDirectory() ? namesIn(path).filter((name) => name !== NEW_FILE_SYSTEM) : [path]
}

function namesIn(path: string): string[] {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : []
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  }
}

function beginsWith(form: RegExp): (path: string) => boolean {
  return (path) => {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(BEGINNING)
      return form.test(bytes.toString('latin1', 0, readSync(file, bytes)))
    } finally {
      closeSync(file)
    }
  }
}
