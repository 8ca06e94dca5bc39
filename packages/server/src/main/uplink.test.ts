import { expect, test } from 'vitest'
import { ConfigError, loadConfig, type ConfigFlags } from './config.ts'
import { planOf, reachOf, uplinkOf } from './uplink.ts'

const bridge: ConfigFlags = {
  uplink: 'bridge',
  uplinkBridge: 'wan',
  uplinkGateway: '203.0.113.1/24',
  edgeAddress: '203.0.113.10',
  publicPool: '203.0.113.16/28',
}
const configured = (change: ConfigFlags) => loadConfig({ ...bridge, ...change }, {})

test('a bridge uplink is what the settings say', () => {
  expect(uplinkOf(configured({ guestEgress: 'on', uplinkNamespace: 'edge' }))).toEqual({
    bridge: 'wan',
    namespace: 'edge',
    gateway: '203.0.113.1/24',
    edgeAddress: '203.0.113.10',
    guestEgress: true,
  })
  const plan = planOf(configured({ guestNameservers: '9.9.9.9, 203.0.113.53' }))
  expect(plan.routed).toBe(true)
  expect(plan.publicAddress(1)).toBe('203.0.113.17')
  expect(plan.guestNameservers).toEqual(['9.9.9.9', '203.0.113.53'])
  expect(uplinkOf(loadConfig({}, {}))).toBeNull()
})

test.each([
  [{ uplinkBridge: '' }, 'uplinkBridge: the bridge uplink needs the name of a bridge'],
  [{ uplinkGateway: '' }, 'The uplink gateway "" is no address with a prefix length'],
  [{ uplinkGateway: '203.0.113.1' }, 'is no address with a prefix length'],
  [{ uplinkGateway: '203.0.113.1/31' }, 'must have a prefix length from /8 to /30'],
  [
    { uplinkGateway: '203.0.113.1/024' },
    'The uplink gateway "203.0.113.1/024" has leading zeros. Write 203.0.113.1/24.',
  ],
  [
    { publicPool: '203.0.113.16/028' },
    'The public pool "203.0.113.16/028" has leading zeros. Write 203.0.113.16/28.',
  ],
  [{ publicPool: '203.0.113.020/28' }, 'has leading zeros. Write 203.0.113.20/28.'],
  [{ publicPool: '0xcb.0.113.16/28' }, 'The public pool "0xcb.0.113.16/28" is no IPv4 network'],
  [
    { guestNetwork: '10.64.0.0/020' },
    'The guest network "10.64.0.0/020" has leading zeros. Write 10.64.0.0/20.',
  ],
  [{ guestNameservers: '9.9.9.09' }, 'name server "9.9.9.09" has leading zeros. Write 9.9.9.9.'],
  [{ edgeAddress: '127.0.0.1' }, 'publicPool and edgeAddress: the bridge uplink needs addresses'],
  [{ publicPool: '127.64.0.0/16' }, 'publicPool and edgeAddress: the bridge uplink needs addresses'],
  [{ edgeAddress: '198.51.100.1' }, 'must be a free address of the uplink’s network 203.0.113.0/24'],
  [{ edgeAddress: '203.0.113.1' }, 'must be a free address'],
  [{ edgeAddress: '203.0.113.255' }, 'must be a free address'],
  [{ edgeAddress: '203.0.113.20' }, 'The public pool 203.0.113.16/28 holds the edge address, 203.0.113.20'],
  [{ publicPool: '203.0.113.0/28' }, 'holds the gateway, 203.0.113.1'],
  [{ publicPool: '203.0.113.240/28' }, 'holds the last address of the uplink’s network'],
  [{ guestNetwork: '203.0.112.0/20' }, 'overlaps the uplink’s network'],
  [{ guestNetwork: '10.64.0.0/20', publicPool: '10.64.1.0/24' }, 'overlaps the public pool'],
  [{ publicPool: '169.254.8.0/24' }, '169.254.0.0/16 is reserved'],
  [{ guestNameservers: '9.9.9.9,one.one' }, 'name server "one.one" is no IPv4 address'],
  [{ guestNameservers: '9.9.9.9 8.8.8.8' }, 'is no IPv4 address'],
])('%j is refused by name', (change, complaint) => {
  expect(() => planOf(configured(change))).toThrow(ConfigError)
  expect(() => planOf(configured(change))).toThrow(complaint)
})

test.each([
  ['guestEgress', 'on'],
  ['uplinkBridge', 'wan'],
  ['uplinkNamespace', 'edge'],
  ['uplinkGateway', '203.0.113.1/24'],
  ['guestNameservers', '9.9.9.9'],
])('the loopback uplink has no %s, and says so', (name, value) => {
  expect(() => planOf(loadConfig({ [name]: value }, {}))).toThrow(
    `${name}: the loopback uplink has no such thing. Leave it out, or set uplink to bridge.`,
  )
})

test('public addresses outside 127.0.0.0/8 need the bridge uplink', () => {
  expect(() => planOf(loadConfig({ publicPool: '203.0.113.16/28' }, {}))).toThrow('unless uplink is bridge')
})

test.each(['203.0.113.010', '0xcb.0.113.10', '203.0.2570', '203.0.113.10/24'])(
  'no edge address is %s',
  (edgeAddress) => {
    expect(() => configured({ edgeAddress })).toThrow(/^edgeAddress/)
  },
)

test.each(['wan; reboot', '../wan', 'a-name-of-16-char', '$(id)'])(
  'no device is called %j',
  (uplinkBridge) => {
    expect(() => loadConfig({ uplinkBridge }, {})).toThrow(/^uplinkBridge: /)
  },
)

test.each([
  [loadConfig({}, {}), 'project', 'host', /nothing beyond their project.* from nowhere else\.$/],
  [configured({}), 'project', 'network', /nothing beyond their project.*operator's network\.$/],
  [configured({ guestEgress: 'on' }), 'public', 'network', /public networks, but resolve no names/],
  [
    configured({ guestEgress: 'on', guestNameservers: '9.9.9.9' }),
    'public',
    'network',
    /^Guests reach public networks; public addresses/,
  ],
] as const)('what reaches what is told of the uplink in use (%#)', (config, outgoing, incoming, message) => {
  expect(reachOf(config)).toEqual({ outgoing, incoming, message: expect.stringMatching(message) })
})
