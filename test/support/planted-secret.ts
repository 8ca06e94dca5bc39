import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Where a secret lies open: in files of the state directory or of its machines (the guests' own disks apart), or
 * among the arguments of any process. None is well.
 */
export async function placesOf(secret: string, state: string): Promise<string[]> {
  const entries = await readdir(state, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && entry.name !== 'disk.qcow2')
    .map((entry) => join(entry.parentPath, entry.name))
  const { stdout: processes } = await run('ps', ['-eo', 'args'], { maxBuffer: 2 ** 24 })
  return [
    ...files.filter((path) => readFileSync(path).includes(secret)),
    ...processes.split('\n').filter((line) => line.includes(secret)),
  ]
}
