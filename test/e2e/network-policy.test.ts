import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { FirewallRule } from '@berth/contract/network-rules'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { CLOSED_POLICY } from '../../packages/server/src/network/guest-policy.ts'
import { echo, guestPort, hear, NetworkBench, policyOf } from '../support/network-bench.ts'
import { ask, OutsideClient, ping } from '../support/outside-client.ts'
import { GuestTalk } from '../support/guest-talk.ts'
import { knock } from '../support/stand-in-guest.ts'

// Clients beyond the project, each in a namespace of its own, meet the rules of guest `a` of project one.

const bench = new NetworkBench()
const { installId, network, one, inOne, inTwo, a, b, far } = bench
const [office, home, visitor] = ['198.51.100.10', '198.51.100.11', '203.0.113.7'].map(
  (address, index) =>
    new OutsideClient(`bg-${installId}-c${index}`, inOne, one.gateway, `client${index}`, address),
) as [OutsideClient, OutsideClient, OutsideClient]
const clients = [office, home, visitor]

beforeAll(async () => {
  await bench.setUp()
  for (const client of clients) await client.start()
  await a.serveUdp('a', 53, 5000)
})
afterEach(() => bench.hangUp())
afterAll(async () => {
  for (const client of clients) await client.stop()
  await bench.tearDown()
})

const allow = (source_cidr: string, application: string, more: Partial<FirewallRule> = {}): FirewallRule => ({
  source_cidr,
  action: 'allow',
  application,
  ...more,
})
const drop = (source_cidr: string, application: string, more: Partial<FirewallRule> = {}) =>
  ({ ...allow(source_cidr, application, more), action: 'drop' }) as const

/** What each client hears from guest a on TCP 22 and 80 and UDP 53 and 5000, and whether its ping is answered. */
async function heard(client: OutsideClient): Promise<string> {
  const [tcp, udp, icmp] = await Promise.all([
    knock(client.namespace, ['10.64.0.5:22', '10.64.0.5:80'], 700),
    ask(client.namespace, ['10.64.0.5:53', '10.64.0.5:5000'], 700),
    ping(client.namespace, '10.64.0.5'),
  ])
  const names = ['tcp22', 'tcp80', 'udp53', 'udp5000']
  const open = names.filter((_, index) => [...tcp, ...udp][index] === 'a')
  return [...open, ...(icmp ? ['ping'] : [])].join(' ')
}

const everybody = async () => Promise.all(clients.map(heard))

test('without rules nothing gets in, from outside or from a sibling', async () => {
  await a.attach(policyOf())
  expect(await everybody()).toEqual(['', '', ''])
  expect(await knock(b.namespace, ['10.64.0.5:22', '10.64.0.5:80'], 700)).toEqual(['silence', 'silence'])
})

test.each([
  ['an address', [allow('198.51.100.10', 'ssh')], ['tcp22', '', '']],
  ['a network', [allow('198.51.100.0/24', 'ssh')], ['tcp22', 'tcp22', '']],
  ['a list', [allow('198.51.100.11, 203.0.113.0/28', 'http')], ['', 'tcp80', 'tcp80']],
  ['any', [allow('any', 'ssh,http')], ['tcp22 tcp80', 'tcp22 tcp80', 'tcp22 tcp80']],
  ['a drop before an allow', [drop('198.51.100.10', 'any'), allow('any', 'ssh')], ['', 'tcp22', 'tcp22']],
  ['an allow before a drop', [allow('any', 'ssh'), drop('any', 'any')], ['tcp22', 'tcp22', 'tcp22']],
  [
    'a port, which decides in place of the application',
    [allow('any', 'ssh', { port: 80 })],
    ['tcp80', 'tcp80', 'tcp80'],
  ],
  ['a port of udp', [allow('203.0.113.7', 'mine', { port: 5000, protocol: 'udp' })], ['', '', 'udp5000']],
  ['an application of two protocols', [allow('any', 'dns')], ['udp53', 'udp53', 'udp53']],
  ['one filtered by protocol', [allow('any', 'dns', { protocol: 'tcp' })], ['', '', '']],
  ['icmp', [allow('198.51.100.11', 'icmp')], ['', 'ping', '']],
  ['every application', [allow('198.51.100.10', 'any')], ['tcp22 tcp80 udp53 udp5000 ping', '', '']],
])('a rule for %s', async (_what, rules, expected) => {
  await a.attach(policyOf(...rules))
  expect(await everybody()).toEqual(expected)
})

test('a guest reaches out and gets its answers, whatever may come in', async () => {
  await a.attach(policyOf())
  await b.attach(policyOf(allow('10.64.0.5', 'ssh')))
  expect(await knock(a.namespace, ['10.64.0.6:22', '10.64.0.6:80'], 700)).toEqual(['b', 'silence'])
  await b.attach(CLOSED_POLICY)
})

test('a guest of another project with the same address has rules of its own', async () => {
  const beside = new OutsideClient(`bg-${installId}-c9`, inTwo, one.gateway, 'client9', '198.51.100.10')
  await beside.start()
  await a.attach(policyOf(allow('any', 'ssh')))
  await far.attach(policyOf(allow('any', 'http')))
  expect(await knock(office.namespace, ['10.64.0.5:22', '10.64.0.5:80'], 700)).toEqual(['a', 'silence'])
  expect(await knock(beside.namespace, ['10.64.0.5:22', '10.64.0.5:80'], 700)).toEqual(['silence', 'far'])
  await beside.stop()
})

test('a change of rules keeps the connections that are still allowed and ends the others', async () => {
  await a.attach(policyOf(allow('any', 'ssh,http')))
  const kept = await GuestTalk.open(office.namespace, '10.64.0.5', 80)
  const ended = await GuestTalk.open(visitor.namespace, '10.64.0.5', 80)
  const sibling = await GuestTalk.open(b.namespace, '10.64.0.5', 22)
  for (const talk of [kept, ended, sibling]) expect(await talk.say('before')).toBe('before')
  await a.attach(policyOf(allow('198.51.100.0/24', 'http')))
  expect(await kept.say('after')).toBe('after')
  expect(await ended.say('after')).toBe('ECONNRESET')
  expect(await sibling.say('after')).toBe('ECONNRESET')
  await a.attach(policyOf(drop('203.0.113.0/24', 'any'), allow('any', 'http')))
  expect(await kept.say('and on')).toBe('and on')
  for (const talk of [kept, ended, sibling]) talk.close()
})

test('the server’s side of a connection that is no longer allowed falls silent and is reset, too', async () => {
  await a.attach(policyOf(allow('any', 'http')))
  const talk = await GuestTalk.open(visitor.namespace, '10.64.0.5', 80)
  // From now on the guest speaks first, as a server that pushes does.
  expect(await talk.say('echo in 700 ms', 1500)).toBe('echo in 700 ms')
  talk.write('echo in 700 ms')
  await a.attach(policyOf())
  expect(await talk.hear(1500)).toBe('silence')
  talk.close()
})

test('rules change in one step: while they are replaced again and again, what both allow is never refused', async () => {
  const both = [policyOf(allow('any', 'http')), policyOf(allow('any', 'http,ssh'), drop('any', 'any'))]
  await a.attach(both[0])
  const control = { going: true }
  const changing = (async () => {
    for (let turn = 0; control.going; turn++) await a.attach(both[turn % 2])
  })()
  const targets = Array.from({ length: 40 }, () => '10.64.0.5:80')
  const outcomes: string[] = []
  for (let batch = 0; batch < 5; batch++) {
    // A lost SYN would be sent again only after a second.
    outcomes.push(...(await knock(office.namespace, targets, 900)))
  }
  control.going = false
  await changing
  expect(outcomes.filter((outcome) => outcome !== 'a')).toEqual([])
  const talk = await GuestTalk.open(office.namespace, '10.64.0.5', 80)
  for (let turn = 0; turn < 10; turn++) {
    await a.attach(both[turn % 2])
    expect(await talk.say(`turn ${turn}`)).toBe(`turn ${turn}`)
  }
  talk.close()
})

test('the kernel’s rules are compared, and what differs is named and made again with counters kept elsewhere', async () => {
  const policy = policyOf(allow('any', 'http'))
  const port = { ...b.port, instanceId: 'instance-6' }
  await b.attach(policy)
  await knock(office.namespace, ['10.64.0.6:80'], 700)
  expect(await bench.differences(one, port, policy)).toEqual([])
  const counters = await network.ruleCounters('one', port)
  expect(counters.find(({ label }) => label === '1 http')).toMatchObject({ direction: 'in', packets: 1 })
  const nft = (...args: string[]) => runCommand('ip', ['netns', 'exec', inOne, 'nft', ...args])
  const breakages: [string[], string][] = [
    [['flush', 'chain', 'inet', 'berth', 'to-10.64.0.6'], 'rules inet to-10.64.0.6'],
    [['add', 'rule', 'inet', 'berth', 'to-10.64.0.6', 'accept'], 'rules inet to-10.64.0.6'],
    [['insert', 'rule', 'inet', 'berth', 'forward', 'accept'], 'rules inet forward'],
    [['flush', 'chain', 'bridge', 'berth', 'from-g6'], 'rules bridge from-g6'],
    [['delete', 'element', 'inet', 'berth', 'guests', '{ 10.64.0.6 }'], 'rules inet map guests'],
  ]
  for (const [damage, name] of breakages) {
    await nft(...damage)
    expect(await bench.differences(one, port, policy), damage.join(' ')).toEqual([name])
    await b.attach(policy)
    expect(await bench.differences(one, port, policy)).toEqual([])
  }
  await runCommand('bridge', ['-n', inOne, 'link', 'set', 'dev', 'g6', 'isolated', 'off'])
  expect(await bench.differences(one, port, policy)).toEqual(['bridge port g6'])
  await b.attach(CLOSED_POLICY)
})

test('what others did beside the rules is named, and undone', async () => {
  const policy = policyOf(allow('any', 'http'))
  const [port, sibling] = [guestPort(9), guestPort(10)]
  for (const each of [sibling, port]) await network.ensurePort(one, each, policy)
  expect(await bench.differences(one, port, policy)).toEqual([])
  const inside = (...args: string[]) => runCommand('ip', ['netns', 'exec', inOne, ...args])
  const tables = await inside('nft', 'list', 'tables')
  const entry = ['fdb', 'delete', port.mac, 'dev', port.tap, 'master']
  const elsewhere = ['fdb', 'replace', port.mac, 'dev', sibling.tap, 'master', 'static']
  const open = '{ type filter hook forward priority -10; }'
  const element = (map: string, text: string) => ['nft', 'add', 'element', 'inet', 'berth', map, text]
  const setting = (text: string): [string[], string[]] => [
    ['sysctl', '-q', '-w', text],
    [`setting ${inOne}/${text.split('=')[0]}`],
  ]
  const damages: [string[], string[]][] = [
    [['bridge', ...entry], [`bridge entry ${port.mac}`]],
    [['bridge', ...elsewhere], [`bridge entry ${port.mac}`]],
    [
      ['ip', 'address', 'delete', '10.64.0.1/20', 'dev', 'br0'], // With it the kernel forgets every neighbour.
      [`address ${inOne}/br0 10.64.0.1/20`, 'neighbour 10.64.0.9'],
    ],
    [['ip', 'address', 'add', '10.64.0.2/20', 'dev', 'br0'], [`surplus address ${inOne}/br0 10.64.0.2/20`]],
    setting('net.ipv4.ip_forward=0'),
    setting('net.ipv4.conf.br0.rp_filter=0'),
    setting('net.ipv4.conf.br0.proxy_arp_pvlan=0'),
    [
      ['sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=0'],
      ['all', 'default'].map((which) => `setting ${inOne}/net.ipv6.conf.${which}.disable_ipv6`),
    ],
    [
      ['nft', `add table ip mine; add chain ip mine drops ${open}; add rule ip mine drops drop`],
      ['surplus table ip mine'],
    ],
    [['nft', 'add table bridge mine'], ['surplus table bridge mine']],
    [
      ['nft', `add chain inet berth mine ${open}; add rule inet berth mine drop`],
      ['surplus chain inet mine'],
    ],
    [element('guests', '{ 10.64.0.77 : accept }'), ['surplus element guests 10.64.0.77']],
    [
      element('guests', '{ 10.64.0.77 comment "mine" : jump to-10.64.0.9 }'),
      ['surplus element guests 10.64.0.77'],
    ],
    [element('relayed', '{ 10.64.0.77 : accept }'), ['surplus element relayed 10.64.0.77']],
    [['nft', 'add element bridge berth ports { g77 : accept }'], ['surplus element ports g77']],
    [
      [
        'nft',
        'delete element inet berth guests { 10.64.0.9 }; add element inet berth guests { 10.64.0.9 : accept }',
      ],
      ['rules inet map guests', 'surplus element guests 10.64.0.9'],
    ],
  ]
  for (const [damage, names] of damages) {
    await inside(...damage)
    expect(await bench.differences(one, port, policy), damage.join(' ')).toEqual(names)
    for (const each of [port, sibling]) await bench.restore(one, each, policy)
    expect(await bench.differences(one, port, policy), damage.join(' ')).toEqual([])
  }
  expect(await inside('nft', 'list', 'tables')).toBe(tables)
  expect(await bench.differences(one, sibling, policy)).toEqual([])
  for (const each of [sibling, port]) await network.removePort(one, each)
})

test('whatever an application is called, it is only a name to the kernel', async () => {
  const name = `"; flush ruleset #' \n\u0000 {} $(id) ${'x'.repeat(300)}`
  const policy = policyOf(allow('any', name, { port: 80 }))
  await b.attach(policy)
  expect(await bench.differences(one, b.port, policy)).toEqual([])
  expect(await knock(office.namespace, ['10.64.0.6:80', '10.64.0.6:22'], 700)).toEqual(['b', 'silence'])
  const labels = (await network.ruleCounters('one', b.port)).map(({ label }) => label)
  expect(labels.find((label) => label.startsWith('1 '))).toBe(
    `1 ${name.replace(/[\n\0]/g, '?').slice(0, 60)}`,
  )
  await b.attach(CLOSED_POLICY)
})

test('the largest policy that the API takes is loaded whole', async () => {
  const sources = (rule: number) =>
    Array.from({ length: 256 }, (_, entry) => `10.${rule}.${entry}.0/25`).join(',')
  const rules = Array.from({ length: 256 }, (_, rule) => allow(sources(rule), 'ssh,dns'))
  const policy = policyOf(...rules)
  await network.ensurePort(one, guestPort(40), policy)
  expect(await bench.differences(one, guestPort(40), policy)).toEqual([])
  await network.removePort(one, guestPort(40))
})

test('the relay lets in by source, ends what a new rule refuses, and carries UDP', async () => {
  const forward = {
    ...bench.sshForward('a', one, a),
    id: 'a/forward-tcp-80',
    target: { address: '10.64.0.5', port: 80 },
  }
  const gate = (address: number) => [{ action: 'allow' as const, from: [[address, address] as const] }]
  const local = 127 * 2 ** 24 + 1
  await a.attach(policyOf())
  const place = await network.ensureForward({ ...forward, gate: gate(local) })
  const socket = await bench.open(place.port)
  expect(await hear(socket)).toBe('a')
  expect(await echo(socket, 'hello')).toBe('hello')
  const ended = new Promise((resolve) => socket.once('error', resolve).once('close', resolve))
  expect(await network.ensureForward({ ...forward, listen: place, gate: gate(local + 1) })).toEqual(place)
  await ended
  const hosts = [`${place.address}:${place.port}`]
  expect(await bench.knockHost(hosts, '127.0.0.1')).toEqual(['ECONNRESET'])
  expect(await bench.knockHost(hosts, '127.0.0.2')).toEqual(['a'])
  const udp = { ...forward, id: 'a/forward-udp-53', protocol: 'udp' as const, gate: gate(local) }
  const asked = await network.ensureForward({ ...udp, target: { address: '10.64.0.5', port: 53 } })
  expect(await bench.askHost(asked, '127.0.0.1')).toBe('a')
  expect(await bench.askHost(asked, '127.0.0.2')).toBe('silence')
  for (const { id } of await network.forwardsOf('a')) await network.removeForward(id)
  expect(await network.forwardsOf('a')).toEqual([])
})
