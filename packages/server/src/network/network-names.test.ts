import { expect, test } from 'vitest'
import { gatewayMac, checkGuestPort, keyOfNamespace, namespaceName, parseGateway } from './network-names.ts'

const network = { key: 'p1', gateway: '10.64.0.1/20', number: 1 }
const port = { instanceId: 'i-5', tap: 'g5', mac: '02:00:00:00:00:05', address: '10.64.0.5' }

test('a namespace carries the installation and the project, and tells the project back', () => {
  expect(namespaceName('abc123', 'p1')).toBe('berth-abc123-p1')
  expect(keyOfNamespace('abc123', 'berth-abc123-p1')).toBe('p1')
  expect(keyOfNamespace('abc124', 'berth-abc123-p1')).toBeNull()
  expect(() => namespaceName('abc123', '../x')).toThrow('network key')
  expect(() => namespaceName('abc', 'p1')).toThrow('install id')
})

test('the bridge has a locally administered unicast address that depends on the namespace alone', () => {
  expect(gatewayMac('berth-abc123-p1')).toMatch(/^02(:[0-9a-f]{2}){5}$/)
  expect(gatewayMac('berth-abc123-p1')).toBe(gatewayMac('berth-abc123-p1'))
  expect(gatewayMac('berth-abc123-p1')).not.toBe(gatewayMac('berth-abc123-p2'))
})

test('a gateway is an IPv4 address with a prefix length', () => {
  expect(parseGateway('10.64.0.1/20')).toEqual({ address: '10.64.0.1', prefix: 20 })
})

test.each([
  '10.64.0.1',
  '10.64.0.1/31',
  '10.64.0/20',
  '10.64.0.1/20/1',
  'fd00::1/64',
  '10.64.0.1/0x14',
  '10.64.0.1/020',
])('no gateway is %s', (bad) => {
  expect(() => parseGateway(bad)).toThrow('gateway')
})

test.each([
  ['tap', { tap: 'br0' }],
  ['tap', { tap: 'g5;drop' }],
  ['tap', { tap: 'g123456789012345' }],
  ['MAC', { mac: '02:00:00:00:00' }],
  ['MAC', { mac: '03:00:00:00:00:05' }],
  ['guest address', { address: '10.64.0.1' }],
  ['guest address', { address: '10.64.16.5' }],
  ['guest address', { address: 'x' }],
  ['instance id', { instanceId: 'a b' }],
])('a port with a bad %s is refused', (what, change) => {
  expect(() => checkGuestPort(network, port)).not.toThrow()
  expect(() => checkGuestPort(network, { ...port, ...change })).toThrow(what)
})
