import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

const staleAfterMs = 24 * 60 * 60_000
const removeTimeoutMs = 300_000

/** Creates a directory that others may read whatever the umask is: the user that runs guests needs to. */
export async function ensureReadableDir(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode: 0o755 })
  if (created === undefined) return
  for (let at = path; at.length >= created.length; at = join(at, '..')) await chmod(at, 0o755)
}

/**
 * Makes a directory for one build, CACHE/tmp/build-PID-START-RANDOM. The process id and its start time
 * (proc(5), field 22 of stat) tell later builders whether its owner still lives.
 */
export async function createBuildDirectory(cacheDir: string): Promise<string> {
  await ensureReadableDir(join(cacheDir, 'tmp'))
  const start = (await processStart(process.pid)) ?? '0'
  const path = join(cacheDir, 'tmp', `build-${process.pid}-${start}-${randomBytes(6).toString('hex')}`)
  await mkdir(path)
  await chmod(path, 0o755)
  return path
}

/** Deletes a build's directory. Anything mounted below it by a build that was killed stays untouched. */
export async function removeBuildDirectory(path: string): Promise<void> {
  await runCommand('rm', ['-rf', '--one-file-system', '--', path], {
    timeoutMs: removeTimeoutMs,
    debianPackage: 'coreutils',
  })
}

/** Deletes what builds left behind whose process is gone, or that began over a day ago. Answers their names. */
export async function removeStaleBuildDirectories(cacheDir: string, now = Date.now()): Promise<string[]> {
  const parent = join(cacheDir, 'tmp')
  const removed: string[] = []
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name)
    const match = /^build-(\d+)-(\d+)-[0-9a-f]+$/.exec(name)
    if (!match && !name.startsWith('trash-')) continue
    const info = await stat(path).catch(() => null)
    if (!info) continue
    const alive = match !== null && (await processStart(Number(match[1]))) === match[2]
    const old = now - Math.max(info.mtimeMs, info.birthtimeMs) > staleAfterMs
    if (alive && !old) continue
    await removeBuildDirectory(path)
    removed.push(name)
  }
  return removed
}

/** When a process started, in clock ticks since the host's boot; null when there is none. */
async function processStart(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  // The second field is the program's name and may hold blanks and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? []
  // One that has ended stays in the list until its parent takes note, which may be never.
  return fields[0] === 'Z' ? null : (fields[19] ?? null)
}
