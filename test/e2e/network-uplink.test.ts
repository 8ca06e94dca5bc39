import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { judgeHolders } from '../../packages/server/src/main/doctor/uplink-probe.ts'
import { findHolders } from '../../packages/server/src/network/arp-probe.ts'
import { gatewayMac } from '../../packages/server/src/network/network-names.ts'
import { NetworkBench, until } from '../support/network-bench.ts'
import { OperatorNetwork } from '../support/operator-network.ts'
import { ask, ping } from '../support/outside-client.ts'
import { arpAnswer, frame, sendFrames, udpPacket } from '../support/raw-frame.ts'
import { knock } from '../support/stand-in-guest.ts'
import { allowPort, EVERYTHING, routedPolicy, tcpForward, UplinkBench } from '../support/uplink-bench.ts'

// Guests of two projects with the same addresses are reached over an operator's bridge, and go out by it. Each
// greeting tells whom the greeter saw.

const bench = new UplinkBench()
const { network, operator, router, one, inOne, a, b, far } = bench
const { namespace: office } = operator.office
const { namespace: visitor } = operator.visitor
const near = operator.neighbour
const EDGE = OperatorNetwork.edgeAddress
const [PUBLIC_A, PUBLIC_FAR, OTHER] = ['203.0.113.17', '203.0.113.18', '203.0.113.19'] as const

beforeAll(() => bench.setUp())
beforeEach(() => bench.forgetNeighbours())
afterAll(() => bench.tearDown())

test('a public address leads in, by the client’s own address and port, and nothing else does', async () => {
  await a.attach(
    routedPolicy({
      publicAddress: PUBLIC_A,
      rules: [allowPort('198.51.100.10, 203.0.113.50', 8080), allowPort('any', 22)],
    }),
  )
  const targets = [`${PUBLIC_A}:8080`, `${PUBLIC_A}:22`, `${PUBLIC_A}:80`]
  expect(await knock(office, targets, 700)).toEqual(['a 198.51.100.10', 'a', 'silence'])
  expect(await knock(visitor, targets, 700)).toEqual(['silence', 'a', 'silence'])
  expect(await knock(near, targets, 700)).toEqual(['a 203.0.113.50', 'a', 'silence'])
  expect(await knock(office, [`${PUBLIC_FAR}:8080`], 700)).toEqual(['silence'])
  const udp = allowPort('198.51.100.77', 53, { protocol: 'udp' })
  await a.attach(
    routedPolicy({
      publicAddress: PUBLIC_A,
      rules: [udp, { ...EVERYTHING, source_cidr: '203.0.113.50', application: 'icmp' }],
    }),
  )
  expect(await ask(visitor, [`${PUBLIC_A}:53`])).toEqual(['a 198.51.100.77'])
  expect(await ask(office, [`${PUBLIC_A}:53`], 500)).toEqual(['silence'])
  expect(await Promise.all([near, office].map((place) => ping(place, PUBLIC_A)))).toEqual([true, false])
})

test('what a guest with a public address opens comes from it, and with none from the edge address', async () => {
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A }))
  await b.attach(routedPolicy({}))
  const targets = ['198.51.100.10:80', '203.0.113.50:80']
  expect(await knock(a.namespace, targets, 1500)).toEqual(targets.map(() => `outside ${PUBLIC_A}`))
  expect(await knock(b.namespace, targets, 1500)).toEqual(targets.map(() => `outside ${EDGE}`))
  expect(await ask(b.namespace, ['198.51.100.10:53'])).toEqual([`outside ${EDGE}`])
})

test('two projects with the same addresses are reached side by side, and from one another as from anywhere', async () => {
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A, rules: [allowPort('any', 8080)] }))
  await far.attach(
    routedPolicy({ publicAddress: PUBLIC_FAR, rules: [allowPort(`198.51.100.10, ${PUBLIC_A}`, 8080)] }),
  )
  const targets = [`${PUBLIC_A}:8080`, `${PUBLIC_FAR}:8080`]
  expect(await knock(office, targets, 1500)).toEqual(['a 198.51.100.10', 'far 198.51.100.10'])
  expect(await knock(a.namespace, [`${PUBLIC_FAR}:8080`], 1500)).toEqual([`far ${PUBLIC_A}`])
  // b goes out from the edge address, which far's rules do not name.
  expect(await knock(b.namespace, [`${PUBLIC_FAR}:8080`, `${PUBLIC_A}:8080`], 700)).toEqual([
    'silence',
    'a 10.64.0.6',
  ])
})

test('a forward admits its source at its port of the edge address, after the rules', async () => {
  const forwards = [tcpForward(30001, 8080, '198.51.100.10'), tcpForward(30002, 22, '0.0.0.0/0')]
  await a.attach(routedPolicy({ forwards }))
  await far.attach(routedPolicy({ forwards: [tcpForward(30003, 8080, '0.0.0.0/0')] }))
  const targets = [30001, 30002, 30003, 8080].map((port) => `${EDGE}:${port}`)
  expect(await knock(office, targets, 700)).toEqual(['a 198.51.100.10', 'a', 'far 198.51.100.10', 'silence'])
  expect(await knock(visitor, targets, 700)).toEqual(['silence', 'a', 'far 198.51.100.77', 'silence'])
  await a.attach(
    routedPolicy({
      forwards,
      rules: [allowPort('198.51.100.77', 8080), { ...allowPort('any', 22), action: 'drop' }],
    }),
  )
  expect(await knock(visitor, targets, 700)).toEqual([
    'a 198.51.100.77',
    'silence',
    'far 198.51.100.77',
    'silence',
  ])
  // A guest beside it comes to the edge address as anybody does.
  expect(await knock(b.namespace, [`${EDGE}:30003`], 1500)).toEqual([`far ${EDGE}`])
  expect((await network.ruleCounters('one', a.port)).map(({ label }) => label)).toContain('forward tcp 8080')
})

test('guests that go out still reach neither the host, nor private networks, nor metadata, nor each other', async () => {
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A }))
  await b.attach(routedPolicy({}))
  await operator.ip('address', 'add', '169.254.169.254/32', 'dev', 'lo')
  const different = () => network.portDifferences(one, b.port, routedPolicy({}))
  expect(await different()).toEqual([])
  await operator.ip('address', 'add', '192.0.2.9/32', 'dev', 'wan')
  const closed = [
    '203.0.113.1:7080',
    '192.0.2.9:7080',
    '169.254.169.254:7080',
    '169.254.0.1:7080',
    '127.0.0.1:7080',
  ]
  expect(await knock(office, ['203.0.113.1:7080'], 1500)).toEqual(['operator 198.51.100.10'])
  // The router learns of the host's new address when it is looked after; nobody has damaged anything.
  expect(await different()).toEqual([{ of: 'host', what: `rules ${router}: addresses of the host` }])
  await network.ensureProject(one)
  expect(await different()).toEqual([])
  // Opening them is damage.
  const edge = (...words: string[]) => runCommand('ip', ['netns', 'exec', router, ...words])
  const listed = await edge('nft', '--handle', 'list', 'chain', 'inet', 'berth', 'forward')
  const [, handle = ''] = /192\.0\.2\.9.* # handle (\d+)$/m.exec(listed.replaceAll(/,\n\s+/g, ', ')) ?? []
  await edge('nft', 'delete', 'rule', 'inet', 'berth', 'forward', 'handle', handle)
  expect(await different()).toEqual([{ of: 'edge', what: `rules ${router}/inet forward` }])
  await network.ensureProject(one)
  expect(await knock(a.namespace, closed, 700)).toEqual([
    'silence',
    'silence',
    'silence',
    'silence',
    'ECONNREFUSED',
  ])
  expect(await knock(a.namespace, ['10.64.0.6:22', '10.64.0.7:22'], 700)).toEqual(['silence', 'silence'])
  // Neither does anybody on the operator's network reach what lies between the namespaces.
  const behind = ['169.254.1.0/24', '10.64.0.0/20']
  for (const to of behind)
    await runCommand('ip', ['-n', near, 'route', 'add', to, 'via', EDGE, 'dev', 'eth0'])
  expect(await knock(near, ['169.254.1.0:22', '169.254.1.0:30001', '10.64.0.5:22'], 700)).toEqual([
    'silence',
    'silence',
    'silence',
  ])
  expect(await knock(near, [`${EDGE}:22`, `${EDGE}:80`], 700)).toEqual(['silence', 'silence'])
  expect(await ping(near, EDGE)).toBe(true)
})

test('a guest cannot send in the name of another public address or of the edge', async () => {
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A }))
  const count = async () => {
    const text = await operator.exec('nft', 'list', 'table', 'bridge', 'probe')
    return Number(/packets (\d+)/.exec(text)?.[1])
  }
  await operator.exec('nft', 'add', 'table', 'bridge', 'probe')
  await operator.exec('nft', 'add chain bridge probe in { type filter hook prerouting priority -200; }')
  await operator.exec('nft', 'add', 'rule', 'bridge', 'probe', 'in', 'udp', 'dport', '4242', 'counter')
  const send = (from: string) =>
    frame(gatewayMac(inOne), a.port.mac, 0x0800, udpPacket(from, 9, '198.51.100.10', 4242))
  await sendFrames(a.namespace, [PUBLIC_A, PUBLIC_FAR, EDGE, '10.64.0.6', '169.254.1.1'].map(send))
  expect(await count()).toBe(0)
  await sendFrames(a.namespace, [send(a.port.address)])
  await until('its own address passes', async () => (await count()) === 1)
  // Nor does a project whose guards all fail: the router knows which addresses are whose.
  const nft = ['netns', 'exec', inOne, 'nft']
  await runCommand('ip', [...nft, 'flush', 'ruleset'])
  await sendFrames(a.namespace, [PUBLIC_FAR, EDGE, '10.64.0.6', '169.254.1.9'].map(send))
  await sendFrames(a.namespace, [
    frame(gatewayMac(inOne), a.port.mac, 0x0806, arpAnswer(a.port.mac, EDGE, gatewayMac(inOne), '10.64.0.1')),
  ])
  expect(await count()).toBe(1)
  for (const guest of [a, b]) await guest.attach(routedPolicy({}))
})

test('the doctor hears who else has the addresses, and leaves nothing behind', async () => {
  const before = await operator.ip('-brief', 'link', 'show')
  const uplink = { ...operator.uplink(true), gateway: '203.0.113.2/24' }
  const free = await findHolders(uplink, ['203.0.113.2', EDGE, OTHER, OperatorNetwork.neighbourAddress])
  expect(await operator.ip('-brief', 'link', 'show')).toBe(before)
  const said = (own: string | null) => judgeHolders(uplink, free, own).map(({ detail }) => detail)
  const neighbour = expect.stringMatching(/^203\.0\.113\.50, of publicPool, is in use by [0-9a-f:]{17}$/)
  const silent = 'the gateway 203.0.113.2 does not answer ARP on wan'
  expect(said(gatewayMac(router))).toEqual([neighbour, silent])
  const edge = `${EDGE}, of edgeAddress, is in use by ${gatewayMac(router)}`
  expect(said(null).toSorted()).toEqual([edge, neighbour, silent])
})

test('egress that is off stays off, while connections from outside are answered', async () => {
  // Another installation beside the first, on an edge address of its own.
  const uplink = { ...operator.uplink(false), edgeAddress: '203.0.113.11' }
  const silent = new NetworkBench(uplink)
  const bridge = () => operator.ip('-brief', 'link', 'show', 'dev', 'wan')
  const before = await bridge()
  await silent.setUp()
  try {
    // Its port leaves the operator's bridge the MAC address that it has.
    expect(await bridge()).toBe(before)
    await silent.a.attach(routedPolicy({ publicAddress: OTHER, rules: [allowPort('any', 22)] }))
    expect(await knock(office, [`${OTHER}:22`], 1500)).toEqual(['a'])
    const closed = ['198.51.100.10:80', '203.0.113.50:80', `${PUBLIC_A}:22`]
    expect(await knock(silent.a.namespace, closed, 700)).toEqual(['silence', 'silence', 'silence'])
    expect(await knock(silent.b.namespace, closed, 700)).toEqual(['silence', 'silence', 'silence'])
  } finally {
    await silent.tearDown()
  }
  expect(await silent.network.census()).toEqual([])
})
