import { expect, test } from 'vitest'
import { isIpv4Address, parseIpv4Network, withoutLeadingZeros } from './ipv4-network.ts'

test('an address and a prefix length are read as they are written', () => {
  expect(parseIpv4Network('10.1.2.3/8')).toEqual({ address: '10.1.2.3', prefix: 8 })
  expect(parseIpv4Network('0.0.0.0/0')).toEqual({ address: '0.0.0.0', prefix: 0 })
  expect(isIpv4Address('203.0.113.10')).toBe(true)
})

test.each([
  ['10.0.0.0/08', '10.0.0.0/8'],
  ['203.0.113.1/024', '203.0.113.1/24'],
  ['010.0.0.0/8', '10.0.0.0/8'],
  ['10.00.0.0/8', '10.0.0.0/8'],
  ['10.0.0.01', '10.0.0.1'],
])('%s is no network, and the other spelling is told', (text, fix) => {
  expect(parseIpv4Network(text)).toBeUndefined()
  expect(isIpv4Address(text)).toBe(false)
  expect(withoutLeadingZeros(text)).toBe(fix)
})

test.each([
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/+8',
  '10.0.0.0/8/8',
  '10.0.0.0/0x8',
  '0x0a.0.0.0/8',
  '10/8',
  '167772160/8',
  ' 10.0.0.0/8',
  'fd00::/64',
])('%s is no network either', (text) => {
  expect(parseIpv4Network(text)).toBeUndefined()
})

test('no other spelling is told for what is wrong otherwise', () => {
  expect(withoutLeadingZeros('0x0a.0.0.0/8')).toBeUndefined()
  expect(withoutLeadingZeros('10.0.0.0/033')).toBeUndefined()
  expect(withoutLeadingZeros('10.0.0.0/8')).toBeUndefined()
})
