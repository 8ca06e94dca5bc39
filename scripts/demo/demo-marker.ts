import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoPlace } from './demo-place.ts'

/** What a directory may hold before the demo takes it. */
const NOTHING = new Set(['lost+found', 'demo.json.new'])

/**
 * Makes the demo's directory, with the file `demo.json` that says whose it is before anything else is in it, and where
 * its API is about to answer.
 * @throws Error when the directory is somebody else's
 */
export function takeDemoDirectory(place: DemoPlace): void {
  const usual = isDemoDirectory(place) ? usualListenOf(place) : undefined
  mkdirSync(place.state, { recursive: true, mode: 0o711 })
  writeMarker(place, usual)
}

/** Notes that the demo's API has answered where it is now: a place that it only tried is not come back to. */
export function noteAnswering(place: DemoPlace): void {
  writeMarker(place, place.listen)
}

function writeMarker({ state, driver, listen }: DemoPlace, usualListen: string | undefined): void {
  const marker = join(state, 'demo.json')
  const text = JSON.stringify({ driver, listen, usualListen })
  if (existsSync(marker) && readFileSync(marker, 'utf8').trim() === text) return
  writeFileSync(`${marker}.new`, `${text}\n`, { mode: 0o600 })
  renameSync(`${marker}.new`, marker)
}

/**
 * @returns false when the directory is not there or empty
 * @throws Error when it holds something that the demo did not make, or the demo of the other driver
 */
export function isDemoDirectory(place: DemoPlace): boolean {
  if (!existsSync(place.state)) return false
  const marker = join(place.state, 'demo.json')
  if (existsSync(marker)) {
    const driver = memberOf(marker, 'driver')
    if (driver === place.driver) return true
    throw new Error(
      `${place.state} holds a demo with the driver ${driver ?? 'unknown'}, and this one is ${place.driver}. ` +
        `Give --simulated for both or for neither, or another directory in BERTH_DEMO_STATE.`,
    )
  }
  const held = readdirSync(place.state).filter((name) => !NOTHING.has(name))
  if (held.length === 0) return false
  const what = held.some((name) => name === 'admin.key' || name === 'berth.db') ? 'an installation' : 'files'
  throw new Error(
    `${place.state} holds ${what} that the demo did not make (it has no demo.json), and is left alone. ` +
      'Name another directory in BERTH_DEMO_STATE.',
  )
}

/** Where the demo of this directory was started last; undefined when there was none. */
export function listenOf(place: DemoPlace): string | undefined {
  return memberOf(join(place.state, 'demo.json'), 'listen')
}

/** Where the demo of this directory answered last; undefined when it never did. */
export function usualListenOf(place: DemoPlace): string | undefined {
  return memberOf(join(place.state, 'demo.json'), 'usualListen')
}

/** Tells the demo in another terminal why its server is about to end. */
export function announceRemoval(place: DemoPlace): void {
  writeFileSync(removalNote(place), '', { mode: 0o600 })
}

/** After a removal that was given up. */
export function withdrawRemoval(place: DemoPlace): void {
  rmSync(removalNote(place), { force: true })
}

/** Whether the demo is being removed, or was. */
export function isBeingRemoved(place: DemoPlace): boolean {
  return !existsSync(place.state) || existsSync(removalNote(place))
}

function removalNote(place: DemoPlace): string {
  return join(place.state, 'demo-removal')
}

function memberOf(marker: string, name: 'driver' | 'listen' | 'usualListen'): string | undefined {
  try {
    const value = (JSON.parse(readFileSync(marker, 'utf8')) as Record<string, unknown>)[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
