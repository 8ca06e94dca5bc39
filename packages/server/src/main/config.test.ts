import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError, loadConfig, tenantRegistries } from './config.ts'

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

test.each([
  ['registryMirror', 'mirror.example'],
  ['registryMirror', 'https://user:word@mirror.example'],
  ['registryMirror', 'https://mirror.example/a?b=c'],
  ['registryMirror', 'https://mirror.example/$(reboot)'],
  ['registryMirror', 'oci:/srv/images'],
  ['registryAuthFile', 'auth.json'],
  ['registries', ''],
  ['registries', 'docker.io;ghcr.io'],
])('%s cannot be %j', (name, value) => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const config = join(directory, 'config.json')
  writeFileSync(config, JSON.stringify({ [name]: value }))
  expect(() => loadConfig({ config }, {})).toThrow(new RegExp(`^${name}: must be .*, such as `))
})

test('the registries of tenants are a list, and a mirror may have a port and a prefix', () => {
  expect(tenantRegistries(loadConfig({}, {}))).toEqual(['docker.io', 'ghcr.io', 'quay.io', 'nvcr.io'])
  expect(tenantRegistries(loadConfig({ registries: 'GHCR.io, 127.0.0.1:5000' }, {}))).toEqual([
    'ghcr.io',
    '127.0.0.1:5000',
  ])
  for (const registryMirror of ['', 'http://127.0.0.1:5000', 'https://mirror.example/docker/hub']) {
    expect(loadConfig({ registryMirror }, {}).registryMirror).toBe(registryMirror)
  }
})

test.each([
  [{ listn: '127.0.0.1:1' }, 'listn is no setting; listen is.'],
  [{ sate: '/s' }, 'sate is no setting; state is.'],
  [{ guest_network: '10.0.0.0/8' }, 'guest_network is no setting; guestNetwork is.'],
  [
    { simulated: { bootMiliseconds: 3 } },
    'simulated.bootMiliseconds is no setting; simulated.bootMilliseconds is.',
  ],
  [
    { simulated: { failures: [{ instance: 'a', at: 'start', why: 1 }] } },
    'simulated.failures.0.why is no setting; there are: instance, at, message.',
  ],
  [{ colour: 'red' }, /^colour is no setting; there are: listen, state, .*logLevel\.$/],
  [{ state: 5 }, 'state: must be string (flag --state, variable BERTH_STATE).'],
])('the member of %j that is wrong is named with the fix', (settings, message) => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const config = join(directory, 'config.json')
  writeFileSync(config, JSON.stringify(settings))
  expect(() => loadConfig({ config }, {})).toThrow(ConfigError)
  expect(() => loadConfig({ config }, {})).toThrow(message)
})

test('an empty variable counts as one that is not set', () => {
  const names = ['BERTH_CONFIG', 'BERTH_STATE', 'BERTH_SIMULATED', 'XDG_STATE_HOME', 'XDG_CACHE_HOME']
  const empty = Object.fromEntries(names.map((name) => [name, '']))
  expect(loadConfig({}, { HOME: '/home/somebody', ...empty })).toEqual(
    loadConfig({}, { HOME: '/home/somebody' }),
  )
  expect(() => loadConfig({ config: '' }, {})).toThrow('config: must name a file (flag --config).')
})
