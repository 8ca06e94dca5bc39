import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError } from './api-error.ts'
import { parseFirewallRules, parsePortForwards, parseSources } from './network-rules.ts'

const rule = { source_cidr: 'any', action: 'allow', application: 'ssh', port: 22, protocol: 'tcp' }
const firewall = (...rules: unknown[]) => parseFirewallRules('Firewall Rules', JSON.stringify(rules))

test('the guide’s example is read as it is, unknown members kept', () => {
  expect(firewall({ ...rule, note: 'mine' })).toEqual([{ ...rule, note: 'mine' }])
  expect(parseFirewallRules('Firewall Rules', '[]')).toEqual([])
  expect(
    parsePortForwards('Port Forwards', '[{"source":"10.0.0.1, 10.1.0.0/16","internal_port":8080}]'),
  ).toHaveLength(1)
})

test.each([
  ['not JSON', 'Firewall Rules'],
  ['{}', 'Firewall Rules'],
  [JSON.stringify([{ ...rule, action: 'accept' }]), 'Firewall Rules[0].action'],
  [JSON.stringify([rule, { ...rule, port: 0 }]), 'Firewall Rules[1].port'],
  [JSON.stringify([{ ...rule, port: 70_000 }]), 'Firewall Rules[0].port'],
  [JSON.stringify([{ ...rule, port: '22' }]), 'Firewall Rules[0].port'],
  [JSON.stringify([{ ...rule, protocol: 'sctp' }]), 'Firewall Rules[0].protocol'],
  [JSON.stringify([{ action: 'allow', application: 'ssh' }]), 'Firewall Rules[0].source_cidr'],
  [JSON.stringify([{ ...rule, source_cidr: '10.0.0.0/33' }]), 'Firewall Rules[0].source_cidr'],
  [JSON.stringify([{ ...rule, source_cidr: 'any, 10.0.0.0/08' }]), 'Firewall Rules[0].source_cidr'],
  [JSON.stringify([{ ...rule, source_cidr: '010.0.0.0/8' }]), 'Firewall Rules[0].source_cidr'],
  [JSON.stringify([{ ...rule, source_cidr: '::1' }]), 'Firewall Rules[0].source_cidr'],
  [JSON.stringify([{ ...rule, source_cidr: '1.2.3.4"; drop' }]), 'Firewall Rules[0].source_cidr'],
  [
    JSON.stringify([{ source_cidr: 'any', action: 'allow', application: 'quake' }]),
    'Firewall Rules[0].application',
  ],
  [JSON.stringify(Array.from({ length: 257 }, () => rule)), 'Firewall Rules'],
])('%.60s is refused, naming %s', (text, field) => {
  expect(() => parseFirewallRules('Firewall Rules', text)).toThrow(
    expect.objectContaining({ status: 400, field }) as ApiError,
  )
})

test('sources become networks, whatever is around them', () => {
  expect(parseSources('s', ' any ')).toEqual(['0.0.0.0/0'])
  expect(parseSources('s', '10.1.2.3/8, 192.168.1.1')).toEqual(['10.0.0.0/8', '192.168.1.1/32'])
})

test('a source with leading zeros is refused with the spelling to use', () => {
  expect(() => parseSources('s', '10.0.0.0/08')).toThrow('"10.0.0.0/08" has leading zeros; write 10.0.0.0/8')
})

function outcomeOf(text: string): string {
  try {
    return parseSources('s', text).join(',')
  } catch (error) {
    if (error instanceof ApiError) return 'refused'
    throw error
  }
}

test('any text is either networks or a refusal, never another error', () => {
  assert(
    property(string(), (text) => {
      expect(outcomeOf(text)).toMatch(/^(refused|\d+\.\d+\.\d+\.\d+\/\d+(,\d+\.\d+\.\d+\.\d+\/\d+)*)$/)
    }),
  )
})
