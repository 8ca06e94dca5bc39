import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BOOT_CHANNEL, countedBoots, debianBoots, recordDebianBoot } from '../support/boot-budget.ts'
import { tempDir } from '../support/temp-dir.ts'

let ledger = ''

beforeEach(async () => {
  ledger = join(await tempDir(), "boots of a 'run'")
  await writeFile(ledger, '')
  vi.stubEnv('BERTH_BOOT_LEDGER', ledger)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A stand-in for a server: announces a boot as the qemu driver does, then reports that it went on. */
function serverThatBoots(images: readonly string[]) {
  const script = `
    import { channel } from 'node:diagnostics_channel'
    for (const image of ${JSON.stringify(images)}) {
      channel(${JSON.stringify(BOOT_CHANNEL)}).publish({ image, machine: 'm1' })
      console.log('booted ' + image)
    }`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: countedBoots(),
    timeout: 15_000,
  })
}

test('eight boots pass, and the ninth throws and names those before it', () => {
  for (let boot = 1; boot <= 8; boot++) recordDebianBoot(`boot ${boot}`)
  expect(() => recordDebianBoot('one too many')).toThrow(/one too many[^]*boot 1\n[^]*boot 8$/)
  expect(debianBoots()).toHaveLength(9)
})

test('what is booted takes one line, whatever it holds', () => {
  recordDebianBoot('two\nlines')
  expect(debianBoots()).toEqual(['two lines'])
})

test('without a ledger nothing is counted', () => {
  vi.stubEnv('BERTH_BOOT_LEDGER', undefined)
  for (let boot = 1; boot <= 9; boot++) recordDebianBoot('by hand')
  expect(debianBoots()).toEqual([])
})

test('Debian boots of a server under test are counted, those of other images are not', async () => {
  const server = serverThatBoots(['tiny', 'debian-12', 'tiny'])
  expect(server.stderr).toBe('')
  expect(server.stdout).toBe('booted tiny\nbooted debian-12\nbooted tiny\n')
  expect(await readFile(ledger, 'utf8')).toBe('debian-12 m1\n')
})

test('a server under test ends before it boots Debian a ninth time', async () => {
  await writeFile(ledger, 'earlier\n'.repeat(7))
  const server = serverThatBoots(['debian-12', 'debian-12'])
  expect(server.status).toBe(70)
  expect(server.stdout).toBe('booted debian-12\n')
  expect(server.stderr).toContain('at most 8 times')
})
