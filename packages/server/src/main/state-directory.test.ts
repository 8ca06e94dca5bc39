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
import { refuseLostDatabase, takeStateDirectory } from './state-directory.ts'

let base: string

beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'berth-state-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  base = made
})

test('a state directory is made with those above it, and guests can pass through it', () => {
  const state = join(base, 'a/b/c')
  takeStateDirectory(state).release()
  expect(statSync(state).mode & 0o777).toBe(0o711)
  takeStateDirectory(state).release()
})

test('a directory of somebody else’s is refused, and keeps its mode', () => {
  chmodSync(base, 0o750)
  for (const name of ['notes.txt', '.profile', 'photos', 'z']) writeFileSync(join(base, name), '')
  expect(() => takeStateDirectory(base)).toThrow(
    `${base} holds files that are not Berth’s (.profile, notes.txt, photos, 1 more). Give --state an empty directory`,
  )
  expect(statSync(base).mode & 0o777).toBe(0o750)
  expect(readdirSync(base)).toHaveLength(4)

  const mount = join(base, 'mount')
  mkdirSync(join(mount, 'lost+found'), { recursive: true })
  writeFileSync(join(mount, 'serve.log'), '')
  takeStateDirectory(mount).release()
  writeFileSync(join(mount, 'operators-notes.txt'), '')
  takeStateDirectory(mount).release()
})

test('a place that cannot hold a state directory is refused in a sentence', () => {
  writeFileSync(join(base, 'file'), '')
  symlinkSync(join(base, 'nowhere/deep'), join(base, 'dangling'))
  const deep = join(base, ...Array.from({ length: 100 }, () => 'd'))
  const places = ['/proc/berth', '/proc/berth/deep', join(base, 'file'), join(base, 'file/below'), deep]
  for (const path of [...places, join(base, 'dangling')]) {
    expect(() => takeStateDirectory(path), path).toThrow(ConfigError)
    expect(() => takeStateDirectory(path), path).toThrow(`The state directory ${path} cannot be made`)
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
