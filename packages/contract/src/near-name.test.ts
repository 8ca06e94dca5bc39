import { expect, test } from 'vitest'
import { nameFinder } from './near-name.ts'

const KNOWN = [
  'Guest CPU Count',
  'Guest Memory Size',
  'Guest Disk Size',
  'Guest GPU Count',
  'GPU Model',
  'Assign Public IP to Guest',
  'Firewall Rules',
  'Port Forwards',
  'Guest Password',
  'SSH Public Keys',
  'Enable OTEL Collector',
]

test.each([
  ['SSH Keys', 'SSH Public Keys'],
  ['Guest Memory', 'Guest Memory Size'],
  ['guest memory size', 'Guest Memory Size'],
  ['ssh_public_keys', 'SSH Public Keys'],
  ['SSHPublicKey', 'SSH Public Keys'],
  ['CPU Count', 'Guest CPU Count'],
  ['Guest Pasword', 'Guest Password'],
  ['Firewal Ruels', 'Firewall Rules'],
  ['Port Forward', 'Port Forwards'],
  ['Guest SSH Public Keys', 'SSH Public Keys'],
  ['Public IP', 'Assign Public IP to Guest'],
])('%s was meant to be %s', (name, meant) => {
  expect(nameFinder(KNOWN)(name)).toBe(meant)
})

test.each(['KeyX', 'Pod Image', 'Region', 'Guest Size', 'Size', 'DB Password', 'Nodes', '', '  ', '…'])(
  '%j is near no known name',
  (name) => {
    expect(nameFinder(KNOWN)(name)).toBeUndefined()
  },
)

test.each([
  ['sate', 'state'],
  ['serv', 'serve'],
  ['sotp', 'stop'],
  ['stp', 'stop'],
  ['lisst', 'list'],
])('where words are few, the short %s was meant to be %s', (name, meant) => {
  const find = nameFinder(['state', 'serve', 'stop', 'list', 'rm'], { shortWords: true })
  expect(find(name)).toBe(meant)
})

test.each(['last', 'slap', 'mr', 'r', 'st'])('%s is near no short word', (name) => {
  expect(nameFinder(['stop', 'list', 'rm'], { shortWords: true })(name)).toBeUndefined()
})

test('a name that is a sentence is near nothing', () => {
  const long = `Guest Password ${'x'.repeat(80)}`
  expect(nameFinder([...KNOWN, `${long}y`])(long)).toBeUndefined()
})
