import { describe, expect, test } from 'vitest'
import type { FirewallRule } from '../network-rules.ts'
import { effectiveFirewallRules, reachProblem } from './service-reach.ts'

const application = { enabled: true, port: 8443 }
const machine = (
  firewallRules: readonly FirewallRule[] = [],
  portForwards: { source: string; internal_port: number; protocol?: 'tcp' | 'udp' }[] = [],
) => ({ firewallRules, portForwards, publicIp: portForwards.length === 0 })
const rule = (more: Partial<FirewallRule>): FirewallRule => ({
  source_cidr: 'any',
  action: 'allow',
  application: 'https',
  ...more,
})

describe('the rules that guard a service', () => {
  test('none given: everybody reaches the application, and nothing else', () => {
    expect(effectiveFirewallRules(machine(), application)).toEqual([
      { source_cidr: 'any', action: 'allow', application: 'service', port: 8443, protocol: 'tcp' },
    ])
  })
  test('its user’s rules alone decide', () => {
    const rules = [rule({ port: 22 })]
    expect(effectiveFirewallRules(machine(rules), application)).toBe(rules)
  })
  test('without an application, or behind a forward, none is added', () => {
    expect(effectiveFirewallRules(machine(), null)).toEqual([])
    expect(effectiveFirewallRules(machine(), { ...application, enabled: false })).toEqual([])
    expect(
      effectiveFirewallRules(machine([], [{ source: '10.0.0.0/8', internal_port: 8443 }]), application),
    ).toEqual([])
  })
})

describe('why nobody reaches the application', () => {
  test.each([
    ['no rules', machine()],
    ['a rule for its port', machine([rule({ port: 8443 })])],
    [
      'a rule for some',
      machine([
        rule({ source_cidr: '10.0.0.0/8', port: 8443 }),
        rule({ action: 'drop', application: 'any' }),
      ]),
    ],
    ['a rule for everything', machine([rule({ application: 'any' })])],
    ['a forward', machine([], [{ source: 'any', internal_port: 8443 }])],
    [
      'a forward past rules about something else',
      machine([rule({ port: 22 })], [{ source: 'any', internal_port: 8443 }]),
    ],
    [
      'a drop for some only',
      machine(
        [rule({ action: 'drop', source_cidr: '10.0.0.0/8', application: 'any' })],
        [{ source: 'any', internal_port: 8443 }],
      ),
    ],
  ])('%s: no problem', (_, reach) => {
    expect(reachProblem(reach, application)).toBe('')
  })

  test.each([
    ['rules for another port', machine([rule({})]), 'firewall rules let nobody reach port 8443'],
    ['UDP only', machine([rule({ port: 8443, protocol: 'udp' })]), 'firewall rules'],
    [
      'dropped first',
      machine([rule({ action: 'drop', application: 'any' }), rule({ port: 8443 })]),
      'firewall rules',
    ],
    [
      'a forward, dropped',
      machine([rule({ action: 'drop', port: 8443 })], [{ source: 'any', internal_port: 8443 }]),
      'firewall rules',
    ],
    [
      'a forward to another port',
      machine([], [{ source: 'any', internal_port: 22 }]),
      'No port forward leads to port 8443',
    ],
    [
      'a UDP forward',
      machine([], [{ source: 'any', internal_port: 8443, protocol: 'udp' }]),
      'No port forward leads',
    ],
    [
      'neither',
      { ...machine(), publicIp: false },
      'Neither a public IP nor a port forward leads to port 8443',
    ],
  ])('%s', (_, reach, problem) => {
    expect(reachProblem(reach, application)).toContain(problem)
  })

  test('nothing is missed where nothing runs', () => {
    expect(reachProblem({ ...machine(), publicIp: false }, { ...application, enabled: false })).toBe('')
  })
})
