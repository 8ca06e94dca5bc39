import { expect, test } from 'vitest'
import { NetworkPlan } from './network-plan.ts'

const plan = (guests: string, publicPool = '127.64.0.0/16') =>
  new NetworkPlan(guests, { address: '127.0.0.1', publicPool, uplink: null })

test('numbers become addresses of the guest network and of the public pool', () => {
  const { publicCapacity } = plan('10.64.0.0/20', '127.9.8.6/31')
  expect(publicCapacity).toBe(2)
  expect(plan('10.64.0.0/20', '127.9.8.6/31').publicAddress(1)).toBe('127.9.8.7')
  expect(plan('10.64.0.0/20').address(300)).toBe('10.64.1.44')
  expect(plan('10.64.0.0/20').withPrefix(1)).toBe('10.64.0.1/20')
})

test.each([
  ['10.64.0.0/30', '127.64.0.0/16', 'from /8 to /29'],
  ['10.64.0.1/20', '127.64.0.0/16', 'must begin at its first address, 10.64.0.0'],
  ['10.64.0.0', '127.64.0.0/16', 'is no IPv4 network'],
  ['10.64.0.0/20', '127.64.0.0/016', 'public pool "127.64.0.0/016" has leading zeros. Write 127.64.0.0/16.'],
  ['10.64.0.0/20', '127.64.0.1/16', 'must begin at its first address, 127.64.0.0'],
  ['10.64.0.0/20', '127.0.0.0/8', 'from /12 to /32'],
  ['10.64.0.0/20', 'any', 'is no IPv4 network'],
])('guests %s with pool %s are refused', (guests, publicPool, complaint) => {
  expect(() => plan(guests, publicPool)).toThrow(complaint)
})
