import { expect, test } from 'vitest'
import {
  edgeRouterName,
  MAX_PROJECT_NUMBER,
  projectDevice,
  transitAddress,
  uplinkPortName,
} from './bridge-uplink.ts'
import { closedNetworks } from './closed-networks.ts'
import { compileEdgeForwards, compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { keyOfNamespace } from './network-names.ts'

const settings = {
  edgeAddress: '203.0.113.10',
  guestEgress: true,
  closed: closedNetworks(['192.0.2.9', '127.0.0.1']),
}

test('loading the router’s rules leaves its forwards as they are', () => {
  const lines = compileEdgeRuleset(settings).nftables.map((command) => JSON.stringify(command))
  expect(lines.filter((line) => /^\{"(flush|delete)":\{"(map|table|ruleset)"/.test(line))).toEqual([])
  expect(lines.filter((line) => line.includes('"element"'))).toEqual([])
})

test('the host’s addresses are closed to guests, each range once', () => {
  const text = JSON.stringify(compileEdgeRuleset(settings))
  expect(text).toContain('"192.0.2.9"')
  expect(text).not.toContain('"127.0.0.1"')
  expect(JSON.stringify(compileEdgeRuleset({ ...settings, guestEgress: false }))).not.toContain('"192.0.2.9"')
})

test('a project’s forwards become those wanted, and others’ stay unless they are taken over', () => {
  const present = [
    { key: 'tcp 30001', leadsTo: '169.254.1.0' },
    { key: 'udp 30002', leadsTo: '169.254.1.0' },
    { key: 'tcp 30003', leadsTo: '169.254.1.1' },
    { key: 'tcp 30004', leadsTo: '169.254.1.1' },
  ]
  const { nftables } = compileEdgeForwards('169.254.1.0', present, ['tcp 30001', 'tcp 30003', 'udp 30005'])
  const element = (name: string, port: number, address: string) => ({
    element: { family: 'inet', table: 'berth', name, elem: [[port, address]] },
  })
  expect(nftables).toEqual([
    { delete: element('forwards-udp', 30_002, '169.254.1.0') },
    { delete: element('forwards-tcp', 30_003, '169.254.1.1') },
    { add: element('forwards-tcp', 30_003, '169.254.1.0') },
    { add: element('forwards-udp', 30_005, '169.254.1.0') },
  ])
  expect(compileEdgeForwards('169.254.1.1', present, ['tcp 30004', 'tcp 30003']).nftables).toEqual([])
})

test('forwards are read as nft lists them', () => {
  const objects = [
    { map: { name: 'forwards-tcp', elem: [[30_001, '169.254.1.0']] } },
    { map: { name: 'forwards-udp' } },
    { map: { name: 'other', elem: [[1, 'x']] } },
    { chain: { name: 'forwards-tcp' } },
  ]
  expect(readEdgeForwards(objects)).toEqual([{ key: 'tcp 30001', leadsTo: '169.254.1.0' }])
})

test('what is at the router has names that fit, and addresses that no two projects share', () => {
  expect(uplinkPortName('abc123')).toBe('berth-abc123')
  expect(projectDevice('abcdefgh')).toHaveLength(10)
  expect(keyOfNamespace('abc123', edgeRouterName('abc123'))).toBeNull()
  expect(transitAddress(1)).toBe('169.254.1.0')
  expect(transitAddress(MAX_PROJECT_NUMBER)).toBe('169.254.254.255')
})
