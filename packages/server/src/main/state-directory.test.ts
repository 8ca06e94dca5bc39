import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { Store } from '../store/store.ts'
import { ConfigError, loadConfig } from './config.ts'
import { withProbeDirectory } from './doctor/probe-directory.ts'
import { rememberDriver, withServedDriver } from './served-driver.ts'
import { refusalOf, refuseLostDatabase, takeStateDirectory } from './state-directory.ts'

let base: string

beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'berth-state-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  base = made
})

/** Takes it for guests; `told` is what is said of it. */
function take(path: string, { forGuests = true, told = [] }: { forGuests?: boolean; told?: string[] } = {}) {
  return takeStateDirectory(path, { forGuests, tell: (sentence) => told.push(sentence) })
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777
}

test('a state directory is made with those above it, and guests can pass through it', () => {
  const state = join(base, 'a/b/c')
  take(state).release()
  expect(modeOf(state)).toBe(0o711)
  take(state).release()
})

test.each([
  ['a log of others', (at: string) => writeFileSync(join(at, 'access.log'), '')],
  ['its words for a mark', (at: string) => writeFileSync(join(at, 'demo.json'), '{"slides":[]}')],
  ['a key of others', (at: string) => writeFileSync(join(at, 'admin.key'), '-----BEGIN PRIVATE KEY-----')],
  ['instances of others', (at: string) => mkdirSync(join(at, 'instances/prod'), { recursive: true })],
  [
    'photos beside instances',
    (at: string) => ['instances', 'photos'].forEach((name) => mkdirSync(join(at, name))),
  ],
])('a directory with %s is refused, and keeps its mode', (_, fill) => {
  fill(base)
  const held = readdirSync(base)
  chmodSync(base, 0o2770)
  expect(() => take(base)).toThrow(`${base} holds files that are not Berth’s (`)
  expect(modeOf(base)).toBe(0o2770)
  expect(readdirSync(base)).toEqual(held)
  expect(refusalOf(base)?.why).toContain('holds files that are not Berth’s')
})

test('the refusal names some of the files, and what to do', () => {
  for (const name of ['notes.txt', '.profile', 'photos', 'z']) writeFileSync(join(base, name), '')
  expect(() => take(base)).toThrow(
    `${base} holds files that are not Berth’s (.profile, notes.txt, photos, 1 more). Give --state an empty directory`,
  )
})

test('what a new file system holds is no hindrance, and what lies beside a database later is none', () => {
  mkdirSync(join(base, 'lost+found'))
  mkdirSync(join(base, 'instances/lost+found'), { recursive: true })
  take(base).release()
  writeFileSync(join(base, 'operators-notes.txt'), '')
  take(base).release()
  expect(refusalOf(join(base, 'nowhere'))).toBeNull()
})

test('the guests of a lost installation are known by their ids', () => {
  mkdirSync(join(base, 'instances/0190c0de-0000-7000-8000-000000000001'), { recursive: true })
  writeFileSync(join(base, 'notes.txt'), '')
  expect(refusalOf(base)).toBeNull()
})

test('a mode is changed no more than is needed, and that is said', () => {
  const told: string[] = []
  chmodSync(base, 0o700)
  take(base, { forGuests: false, told }).release()
  expect({ mode: modeOf(base), told }).toEqual({ mode: 0o700, told: [] })
  take(base, { told }).release()
  expect({ mode: modeOf(base), told }).toEqual({
    mode: 0o711,
    told: [`The mode of ${base} was 0700 and is 0711 now.`],
  })
  chmodSync(base, 0o775)
  take(base, { forGuests: false, told }).release()
  expect({ mode: modeOf(base), count: told.length }).toEqual({ mode: 0o711, count: 2 })
})

test('a place that cannot hold a state directory is refused in a sentence', () => {
  writeFileSync(join(base, 'file'), '')
  symlinkSync(join(base, 'nowhere/deep'), join(base, 'dangling'))
  const deep = join(base, ...Array.from({ length: 100 }, () => 'd'))
  const places = ['/proc/berth', '/proc/berth/deep', join(base, 'file'), join(base, 'file/below'), deep]
  for (const path of [...places, join(base, 'dangling')]) {
    expect(() => take(path), path).toThrow(ConfigError)
    expect(() => take(path), path).toThrow(`The state directory ${path} cannot be made`)
  }
})

test('guests without their database are refused, and nothing else is', async () => {
  expect(() => refuseLostDatabase(base)).not.toThrow()
  mkdirSync(join(base, 'instances'))
  expect(() => refuseLostDatabase(base)).not.toThrow()
  mkdirSync(join(base, 'instances/0190c0de-0000-7000-8000-000000000001'))
  expect(() => refuseLostDatabase(base)).toThrow(/berth\.db is gone\. Restore a backup/)
  writeFileSync(join(base, 'berth.db'), '')
  expect(() => refuseLostDatabase(base)).toThrow(/berth\.db is empty\. Restore a backup/)
  rmSync(join(base, 'berth.db'))
  await (await Store.open(join(base, 'berth.db'))).close()
  expect(() => refuseLostDatabase(base)).not.toThrow()
})

test('commands use the driver that served the state, unless told', () => {
  const driverWith = (flags: { driver?: string }) =>
    withServedDriver(loadConfig({ state: base, ...flags }, {}), flags).driver
  expect(driverWith({})).toBe('qemu')
  mkdirSync(join(base, 'simulated'))
  expect(driverWith({})).toBe('simulated')
  rememberDriver(base, 'qemu')
  expect(driverWith({})).toBe('qemu')
  rememberDriver(base, 'simulated')
  expect(driverWith({})).toBe('simulated')
  expect(driverWith({ driver: 'qemu' })).toBe('qemu')
})

test('the accelerator is tried in STATE of an installation, else in a directory that is removed', async () => {
  const state = join(base, 'none')
  const used = await withProbeDirectory(state, async (directory) => {
    expect(statSync(directory).mode & 0o777).toBe(0o711)
    return directory
  })
  expect(existsSync(used)).toBe(false)
  expect(existsSync(state)).toBe(false)
  writeFileSync(join(base, 'berth.db'), '')
  expect(await withProbeDirectory(base, async (directory) => directory)).toBe(base)
  expect(existsSync(base)).toBe(true)
})
