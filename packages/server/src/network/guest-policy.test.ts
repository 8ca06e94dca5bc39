import * as fc from 'fast-check'
import type { FirewallRule } from '@berth/contract/network-rules'
import { expect, test } from 'vitest'
import { modelVerdict } from '../../../../test/support/policy-model.ts'
import { firewallRule, SOURCES } from '../../../../test/support/random-policy.ts'
import { admits } from './gate.ts'
import { compileRules, gateFor, openPorts } from './guest-policy.ts'

const rule = (change: Partial<FirewallRule>): FirewallRule => ({
  source_cidr: 'any',
  action: 'allow',
  application: 'ssh',
  ...change,
})
const servicesOf = (change: Partial<FirewallRule>) => compileRules([rule(change)])[0]?.services

test('a port decides, whatever the application says, and is tcp unless told', () => {
  expect(servicesOf({ application: 'http', port: 8080 })).toEqual([{ protocol: 'tcp', ports: [8080] }])
  expect(servicesOf({ application: 'my thing', port: 8080, protocol: 'udp' })).toEqual([
    { protocol: 'udp', ports: [8080] },
  ])
})

test('without a port the applications decide, all of them, filtered by protocol', () => {
  expect(servicesOf({ application: 'SSH, https,dns' })).toEqual([
    { protocol: 'tcp', ports: [22, 53, 443] },
    { protocol: 'udp', ports: [53] },
  ])
  expect(servicesOf({ application: 'dns', protocol: 'udp' })).toEqual([{ protocol: 'udp', ports: [53] }])
  expect(servicesOf({ application: 'any' })).toEqual([{ protocol: 'any', ports: [] }])
  expect(servicesOf({ application: 'any', protocol: 'tcp' })).toEqual([{ protocol: 'tcp', ports: [] }])
  expect(servicesOf({ application: 'ssh,icmp' })).toEqual([
    { protocol: 'tcp', ports: [22] },
    { protocol: 'icmp', ports: [] },
  ])
  expect(servicesOf({ application: 'icmp', protocol: 'tcp' })).toEqual([])
})

test('a forward lets in its own sources, after the rules', () => {
  const rules = compileRules([
    rule({ source_cidr: '127.0.0.9', action: 'drop', application: 'any' }),
    rule({ source_cidr: '127.0.0.5', port: 80 }),
  ])
  const forwards = [{ source: '127.0.0.8/30', internal_port: 80 }]
  const gate = gateFor(rules, 'tcp', 80, forwards)
  const verdicts = ['127.0.0.8', '127.0.0.9', '127.0.0.5', '127.0.0.1'].map((it) => admits(gate, it))
  expect(verdicts).toEqual([true, false, true, false])
  expect(admits(gateFor(rules, 'udp', 80, forwards), '127.0.0.8')).toBe(false)
  expect(admits(gate, '::ffff:127.0.0.8')).toBe(true)
})

test('the open ports are those that some rule lets somebody reach', () => {
  const ports = openPorts(
    compileRules([
      rule({ port: 23, action: 'drop' }),
      rule({ port: 23 }),
      rule({ application: 'dns,http' }),
      rule({ source_cidr: '10.0.0.0/8', action: 'drop', port: 80 }),
    ]),
  )
  expect(ports).toEqual({ tcp: [53, 80], udp: [53] })
})

test('where every port is open, the open ports are those of the applications table', () => {
  const { tcp, udp } = openPorts(compileRules([rule({ application: 'any' })]))
  expect(tcp).toEqual(expect.arrayContaining([22, 80, 443, 8888]))
  expect(udp).toEqual(expect.arrayContaining([53, 123]))
})

test('for any rules, the relay’s verdict is the documentation’s', () => {
  const packet = fc.record({
    source: fc.constantFrom(...SOURCES),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.constantFrom(22, 53, 80, 443, 8080),
  })
  fc.assert(
    fc.property(fc.array(firewallRule, { maxLength: 12 }), packet, (rules, sent) => {
      const gate = gateFor(compileRules(rules), sent.protocol, sent.port)
      expect(admits(gate, sent.source)).toBe(modelVerdict(rules, sent) === 'allow')
    }),
    { numRuns: 2000 },
  )
})
