import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError, loadConfig } from './config.ts'

test.each([
  ['accelerator', { accelerator: 'xen' }, 'auto, kvm, tcg'],
  ['logLevel', { logLevel: 'loud' }, 'silent, fatal, error, warn, info, debug'],
  ['driver', { driver: 'lxc' }, 'qemu, simulated'],
])('a word that %s does not know is answered with those that it knows', (name, flags, words) => {
  expect(() => loadConfig(flags, {})).toThrow(`${name}: must be one of ${words} (flag --`)
})

test.each(['[]', 'null', '"text"', '5'])('a configuration file that holds %s is refused by name', (text) => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const config = join(directory, 'config.json')
  writeFileSync(config, text)
  expect(() => loadConfig({ config }, {})).toThrow(ConfigError)
  expect(() => loadConfig({ config }, {})).toThrow(`The configuration file ${config} must hold a JSON object`)
  writeFileSync(config, '{"datacenter": "here"}')
  expect(loadConfig({ config }, {}).datacenter).toBe('here')
})
