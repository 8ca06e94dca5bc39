import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { gatewayMac } from '../../packages/server/src/network/network-names.ts'
import { NetworkBench, policyOf } from '../support/network-bench.ts'
import { arpAnswer, frame, routerAdvertisement, sendFrames, udpPacket } from '../support/raw-frame.ts'

// Guest `b` of project one sends frames as its kernel never would; `a` is its sibling.

const bench = new NetworkBench()
const { network, inOne, a, b } = bench
const ownGateway = gatewayMac(inOne)
const BROADCAST = 'ff:ff:ff:ff:ff:ff'
const ALL_NODES = '33:33:00:00:00:01'
const own = { mac: b.port.mac, address: b.port.address }
const other = { mac: a.port.mac, address: a.port.address }
const ipv4 = (from: string, packet: Buffer) => frame(ownGateway, from, 0x0800, packet)
const arp = (to: string, from: string, payload: Buffer) => frame(to, from, 0x0806, payload)

beforeAll(async () => {
  await bench.setUp()
  await a.attach(policyOf({ source_cidr: 'any', action: 'allow', application: 'any' }))
  // Everything that gets past the guests' ports, to whatever it goes, is counted here.
  const nft = (...args: string[]) => runCommand('ip', ['netns', 'exec', inOne, 'nft', ...args])
  await nft('add', 'table', 'bridge', 'probe')
  await nft('add', 'chain', 'bridge', 'probe', 'in', '{ type filter hook prerouting priority -200; }')
  await nft('add', 'rule', 'bridge', 'probe', 'in', 'iifname', b.port.tap, 'counter')
})
afterAll(() => bench.tearDown())

async function passed(): Promise<number> {
  const text = await runCommand('ip', ['netns', 'exec', inOne, 'nft', 'list', 'table', 'bridge', 'probe'])
  return Number(/packets (\d+)/.exec(text)?.[1])
}

async function refused(label: string): Promise<number> {
  const counters = await network.ruleCounters('one', b.port)
  return counters.find((counter) => counter.label === label)?.packets ?? 0
}

test.each([
  ['its own address', ipv4(own.mac, udpPacket(own.address, 9, other.address, 9))],
  ['its own address, towards the gateway', ipv4(own.mac, udpPacket(own.address, 9, '10.64.0.1', 9))],
  [
    'an ARP answer of its own',
    arp(ownGateway, own.mac, arpAnswer(own.mac, own.address, ownGateway, '10.64.0.1')),
  ],
])('passes: %s', async (_what, sent) => {
  const before = await passed()
  await sendFrames(b.namespace, [sent, sent, sent])
  expect((await passed()) - before).toBe(3)
})

test.each([
  ['another’s IP address', 'spoofed address', ipv4(own.mac, udpPacket(other.address, 9, '10.64.0.1', 9))],
  [
    'the gateway’s IP address',
    'spoofed address',
    ipv4(own.mac, udpPacket('10.64.0.1', 9, other.address, 22)),
  ],
  ['a public IP address', 'spoofed address', ipv4(own.mac, udpPacket('8.8.8.8', 53, other.address, 9))],
  ['another’s MAC address', 'spoofed MAC', ipv4(other.mac, udpPacket(own.address, 9, '10.64.0.1', 9))],
  ['another’s place whole', 'spoofed MAC', ipv4(other.mac, udpPacket(other.address, 9, '10.64.0.1', 9))],
  [
    'an ARP answer for another’s address',
    'spoofed ARP',
    arp(ownGateway, own.mac, arpAnswer(own.mac, other.address, ownGateway, '10.64.0.1')),
  ],
  [
    'an ARP answer for the gateway’s address, to everybody',
    'spoofed ARP',
    arp(BROADCAST, own.mac, arpAnswer(own.mac, '10.64.0.1', other.mac, other.address)),
  ],
  [
    'an ARP answer in another’s name',
    'spoofed ARP',
    arp(ownGateway, own.mac, arpAnswer(other.mac, own.address, ownGateway, '10.64.0.1')),
  ],
  [
    'a DHCP server’s offer',
    'DHCP server',
    frame(BROADCAST, own.mac, 0x0800, udpPacket(own.address, 67, '255.255.255.255', 68)),
  ],
  ['a router advertisement', 'not IPv4', frame(ALL_NODES, own.mac, 0x86dd, routerAdvertisement())],
  ['a frame of a VLAN', 'not IPv4', frame(ownGateway, own.mac, 0x8100, Buffer.from('00010800', 'hex'))],
  ['a metadata service', 'link-local', ipv4(own.mac, udpPacket(own.address, 9, '169.254.169.254', 80))],
])('is dropped: %s', async (_what, label, sent) => {
  const [before, counted] = [await passed(), await refused(label)]
  await sendFrames(b.namespace, [sent, sent, sent])
  expect((await passed()) - before).toBe(0)
  expect((await refused(label)) - counted).toBe(3)
})

test('a frame addressed straight to a sibling’s MAC goes nowhere', async () => {
  const direct = frame(other.mac, own.mac, 0x0800, udpPacket(own.address, 9, other.address, 9))
  const text = async () => runCommand('ip', ['-n', a.namespace, '-json', '-s', 'link', 'show', 'dev', 'eth0'])
  const received = async () =>
    (JSON.parse(await text()) as { stats64: { rx: { packets: number } } }[])[0]?.stats64.rx.packets
  const before = await received()
  await sendFrames(b.namespace, [direct, direct, direct])
  expect(await received()).toBe(before)
})
