import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureReadableDir } from './build-directory.ts'

function registry(cacheDir: string): string {
  return join(cacheDir, 'installations')
}

/**
 * Notes in the cache, which installations of a host share, where one of them keeps its machines: an image that
 * their disks stand on must stay while any of them does.
 */
export async function noteInstallation(cacheDir: string, installId: string, stateDir: string): Promise<void> {
  await ensureReadableDir(registry(cacheDir))
  const temporary = join(registry(cacheDir), `.${randomUUID()}`)
  await writeFile(temporary, `${stateDir}\n`, { mode: 0o644, flag: 'wx' })
  await rename(temporary, join(registry(cacheDir), installId))
  await forgetLongGone(cacheDir)
}

/** Days without a start of its server after which a state directory that is not there counts as removed. */
const goneAfterDays = 30

/** A state directory may be missing because its disk is not mounted, so that only time tells. */
async function forgetLongGone(cacheDir: string): Promise<void> {
  for (const name of await readdir(registry(cacheDir))) {
    const path = join(registry(cacheDir), name)
    const noted = await stat(path).catch(() => null)
    if (!noted || Date.now() - noted.mtimeMs < goneAfterDays * 86_400_000) continue
    const state = (await readFile(path, 'utf8').catch(() => '')).trim()
    if ((await stat(state).catch(() => null)) === null) await rm(path, { force: true })
  }
}

/** The state directories of every installation that has used the cache. */
export async function notedStates(cacheDir: string): Promise<string[]> {
  const names = await readdir(registry(cacheDir)).catch(() => [])
  const read = names
    .filter((name) => /^[a-z0-9]{6}$/.test(name))
    .map((name) => readFile(join(registry(cacheDir), name), 'utf8').catch(() => ''))
  return (await Promise.all(read)).map((text) => text.trim()).filter((path) => path.startsWith('/'))
}
