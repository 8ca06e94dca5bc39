import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { NamespaceNetwork } from '../../packages/server/src/network/namespace-network.ts'
import { gatewayMac } from '../../packages/server/src/network/network-names.ts'
import { GuestTalk } from '../support/guest-talk.ts'
import { guestPort, NetworkBench, until } from '../support/network-bench.ts'
import { OperatorNetwork } from '../support/operator-network.ts'
import { knock } from '../support/stand-in-guest.ts'
import { allowPort, EVERYTHING, routedPolicy, tcpForward, UplinkBench } from '../support/uplink-bench.ts'

// What may reach guests over an operator's bridge changes while connections are open, and things get lost.

const bench = new UplinkBench()
const { network, operator, router, one, two, inOne, a, far } = bench
const { namespace: office } = operator.office
const { namespace: visitor } = operator.visitor
const near = operator.neighbour
const EDGE = OperatorNetwork.edgeAddress
const [PUBLIC_A, OTHER] = ['203.0.113.17', '203.0.113.19'] as const
const DROPPING = '{ type filter hook forward priority 10; policy drop; }'

beforeAll(() => bench.setUp())
beforeEach(() => bench.forgetNeighbours())
afterAll(() => bench.tearDown())

test('a change keeps the connections that are still allowed and ends the others', async () => {
  const both = [allowPort('any', 8080), allowPort('any', 80)]
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A, rules: both }))
  const kept = await GuestTalk.open(office, PUBLIC_A, 80)
  const refused = await GuestTalk.open(visitor, PUBLIC_A, 80)
  for (const talk of [kept, refused]) expect(await talk.say('before')).toBe('before')
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A, rules: [allowPort('198.51.100.10', 80)] }))
  expect(await kept.say('after')).toBe('after')
  expect(await refused.say('after')).toBe('ECONNRESET')
  // Without its public address it is not reached by it, whatever the rules say.
  await a.attach(routedPolicy({ rules: both }))
  expect(await kept.say('without it')).toBe('ECONNRESET')
  expect(await knock(office, [`${PUBLIC_A}:80`], 700)).toEqual(['silence'])
  await a.attach(routedPolicy({ rules: both, forwards: [tcpForward(30001, 80, '198.51.100.10')] }))
  const forwarded = await GuestTalk.open(office, EDGE, 30001)
  await a.attach(routedPolicy({ rules: both, forwards: [tcpForward(30005, 80, '198.51.100.10')] }))
  expect(await forwarded.say('after')).toBe('ECONNRESET')
  for (const talk of [kept, refused, forwarded]) talk.close()
})

test('a change keeps the flows of datagrams that are still allowed and ends the others', async () => {
  const dns = (source: string) => allowPort(source, 53, { protocol: 'udp' })
  const attach = (...rules: ReturnType<typeof dns>[]) =>
    a.attach(routedPolicy({ publicAddress: PUBLIC_A, rules }))
  await attach(dns('any'))
  const flows = [office, visitor].map((place) => GuestTalk.udp(place, PUBLIC_A, 53))
  const say = () => Promise.all(flows.map((flow) => flow.say('hello', 1000)))
  expect(await say()).toEqual(['a 198.51.100.10', 'a 198.51.100.77'])
  // The rule that admits it is another now.
  await attach(allowPort('any', 22), dns('198.51.100.10'))
  expect(await say()).toEqual(['a 198.51.100.10', 'silence'])
  await attach(dns('any'))
  expect(await say()).toEqual(['a 198.51.100.10', 'a 198.51.100.77'])
  await attach()
  expect(await say()).toEqual(['silence', 'silence'])
  for (const flow of flows) flow.close()
})

test('while a policy is replaced again and again, what both allow is never refused', async () => {
  const both = [
    routedPolicy({ publicAddress: PUBLIC_A, rules: [allowPort('any', 8080)] }),
    routedPolicy({
      publicAddress: PUBLIC_A,
      rules: [allowPort('any', 22), allowPort('198.51.100.0/24', 8080)],
    }),
  ]
  await a.attach(both[0])
  const control = { going: true }
  const changing = (async () => {
    for (let turn = 0; control.going; turn++) await a.attach(both[turn % 2])
  })()
  const outcomes: string[] = []
  for (let batch = 0; batch < 3; batch++)
    outcomes.push(
      ...(await knock(
        office,
        Array.from({ length: 30 }, () => `${PUBLIC_A}:8080`),
        900,
      )),
    )
  control.going = false
  await changing
  expect(outcomes.filter((outcome) => outcome !== 'a 198.51.100.10')).toEqual([])
})

test('an address is announced to neighbours that remember another place for it', async () => {
  const seen = async () => {
    const text = await runCommand('ip', ['-n', near, '-json', 'neighbour', 'show', OTHER])
    return (JSON.parse(text) as { lladdr?: string }[])[0]?.lladdr
  }
  const stale = ['lladdr', '02:00:00:00:99:99', 'dev', 'eth0', 'nud', 'stale']
  await runCommand('ip', ['-n', near, 'neighbour', 'replace', OTHER, ...stale])
  await a.attach(routedPolicy({ publicAddress: OTHER, rules: [allowPort('any', 22)] }))
  await until('the neighbour has learned', async () => (await seen()) === gatewayMac(router))
  expect(await knock(near, [`${OTHER}:22`], 1500)).toEqual(['a'])
  await a.attach(routedPolicy({}))
})

test('an address that goes from one project to another is reached at its new owner at once', async () => {
  await a.attach(routedPolicy({ publicAddress: PUBLIC_A, rules: [allowPort('any', 8080)] }))
  expect(await knock(near, [`${PUBLIC_A}:8080`], 1500)).toEqual(['a 203.0.113.50'])
  await a.attach(routedPolicy({}))
  await far.attach(routedPolicy({ publicAddress: PUBLIC_A, rules: [allowPort('any', 8080)] }))
  expect(await knock(near, [`${PUBLIC_A}:8080`], 1500)).toEqual(['far 203.0.113.50'])
  await far.attach(routedPolicy({}))
})

test('whatever is lost or changed is named, and made again', async () => {
  const wanted = routedPolicy({
    publicAddress: PUBLIC_A,
    forwards: [tcpForward(30001, 22, '0.0.0.0/0')],
    rules: [EVERYTHING],
  })
  const port = guestPort(9)
  await network.ensurePort(one, port, wanted)
  expect(await bench.differences(one, port, wanted)).toEqual([])
  const inside = (...words: string[]) => runCommand('ip', ['netns', 'exec', inOne, ...words])
  const edge = (...words: string[]) => runCommand('ip', ['netns', 'exec', router, ...words])
  const host = (...words: string[]) => operator.ip(...words)
  const outer = `berth-${bench.installId}`
  /** What is damaged at once, each with the name that it is to be told by; a device that goes hides what is on it. */
  const damages: [() => Promise<unknown>, string][][] = [
    [[() => host('link', 'set', 'dev', outer, 'nomaster'), `device ${operator.namespace}/${outer}`]],
    [[() => host('link', 'delete', 'dev', outer), `device ${operator.namespace}/${outer}`]],
    [[() => edge('ip', 'link', 'set', 'dev', 'p-one', 'down'), `device ${router}/p-one`]],
    [[() => edge('ip', 'link', 'delete', 'dev', 'p-one'), `device ${router}/p-one`]],
    [[() => edge('nft', 'flush', 'ruleset'), `rules ${router}/inet leave`]],
    [[() => runCommand('ip', ['netns', 'delete', router]), `namespace ${router}`]],
    [
      [() => edge('ip', 'route', 'delete', PUBLIC_A), `route to ${PUBLIC_A}`],
      [() => edge('ip', 'neighbour', 'delete', 'proxy', PUBLIC_A, 'dev', 'uplink'), `ARP for ${PUBLIC_A}`],
      [() => edge('ip', 'route', 'delete', 'default'), `route from ${router}`],
      [
        () => edge('nft', 'insert', 'rule', 'inet', 'berth', 'forward', 'accept'),
        `rules ${router}/inet forward`,
      ],
      [
        () => edge('nft', 'delete', 'element', 'inet', 'berth', 'forwards-tcp', '{ 30001 }'),
        'forward tcp 30001',
      ],
    ],
    [
      [() => inside('ip', 'route', 'delete', 'default'), `route from ${inOne}`],
      [() => inside('nft', 'flush', 'chain', 'inet', 'berth', 'via-10.64.0.9'), 'rules inet via-10.64.0.9'],
      [() => inside('nft', 'flush', 'chain', 'inet', 'berth', 'as-10.64.0.9'), 'rules inet as-10.64.0.9'],
      [
        () => inside('nft', 'delete', 'element', 'inet', 'berth', 'public', `{ ${PUBLIC_A} }`),
        'rules inet map public',
      ],
      [() => inside('nft', 'flush', 'map', 'inet', 'berth', 'forwards'), 'rules inet map forwards'],
    ],
    [
      [
        () => inside('nft', 'add', 'element', 'inet', 'berth', 'public', `{ ${OTHER} : accept }`),
        `surplus element public ${OTHER}`,
      ],
      [
        () =>
          inside('nft', 'add', 'element', 'inet', 'berth', 'sources', '{ 10.64.0.77 : jump as-10.64.0.9 }'),
        'surplus element sources 10.64.0.77',
      ],
      [
        () => inside('nft', 'add', 'element', 'inet', 'berth', 'forwards', '{ udp . 30009 : drop }'),
        'surplus element forwards udp 30009',
      ],
      [
        () => inside('sysctl', '-q', '-w', 'net.ipv4.conf.uplink.rp_filter=0'),
        `setting ${inOne}/net.ipv4.conf.uplink.rp_filter`,
      ],
      ...(
        [
          ['ip_forward', 0],
          ['conf.all.rp_filter', 0],
          ['conf.all.arp_ignore', 1],
          ['conf.uplink.arp_ignore', 0],
        ] as const
      ).map(([setting, value]): [() => Promise<unknown>, string] => [
        () => edge('sysctl', '-q', '-w', `net.ipv4.${setting}=${value}`),
        `setting ${router}/net.ipv4.${setting}`,
      ]),
      [
        () => edge('nft', `add table ip mine; add chain ip mine drops ${DROPPING}`),
        `surplus table ip mine in ${router}`,
      ],
      [
        () => edge('nft', `add chain inet berth mine ${DROPPING}; add rule inet berth mine drop`),
        `surplus chain inet mine in ${router}`,
      ],
      [
        () => edge('ip', 'neighbour', 'add', 'proxy', '203.0.113.200', 'dev', 'uplink'),
        'surplus ARP for 203.0.113.200',
      ],
      [
        () => edge('ip', 'address', 'add', '203.0.113.201/24', 'dev', 'uplink'),
        `surplus address ${router}/uplink 203.0.113.201/24`,
      ],
    ],
  ]
  for (const group of damages) {
    const names = group.map(([, name]) => name)
    for (const [damage] of group) await damage()
    expect(await bench.differences(one, port, wanted)).toEqual(expect.arrayContaining(names))
    await bench.restore(one, port, wanted)
    expect(await bench.differences(one, port, wanted), names.join()).toEqual([])
  }
  // What nobody asked for counts as well.
  await edge('ip', 'route', 'add', OTHER, 'via', '169.254.1.0', 'dev', 'p-one')
  await edge('nft', 'add', 'element', 'inet', 'berth', 'forwards-udp', '{ 30009 : 169.254.1.0 }')
  expect(await bench.differences(one, port, wanted)).toEqual([
    `surplus route to ${OTHER}`,
    'surplus forward udp 30009',
  ])
  await network.ensurePort(one, port, wanted)
  expect(await bench.differences(one, port, wanted)).toEqual([])
  await network.removePort(one, port)
  const left = await edge('nft', 'list', 'ruleset')
  expect(left).not.toContain('30001')
  expect(await edge('ip', 'neighbour', 'show', 'proxy')).toBe('')
  // The other project was cut off with the router, and is attached again as its guests are looked after.
  await network.ensureProject(two)
})

test('a guest that goes while the uplink is another leaves no way behind for when it is a bridge again', async () => {
  const port = guestPort(9)
  const led = routedPolicy({ publicAddress: OTHER, forwards: [tcpForward(30007, 22, '0.0.0.0/0')] })
  await network.ensurePort(one, port, led)
  const { installId, runDir } = bench
  const alone = new NamespaceNetwork({ installId, runDir, uplink: null })
  await alone.prepare()
  expect(await runCommand('ip', ['netns', 'exec', inOne, 'nft', 'list', 'ruleset'])).not.toMatch(/dnat|snat/)
  await alone.removePort(one, port)
  for (const project of [one, two]) await network.ensureProject(project)
  await far.attach(routedPolicy({ publicAddress: OTHER, rules: [allowPort('any', 8080)] }))
  await a.attach(routedPolicy({}))
  expect(await knock(near, [`${OTHER}:8080`], 1500)).toEqual(['far 203.0.113.50'])
  expect(await bench.differences(one, a.port, routedPolicy({}))).toEqual([])
  await far.attach(routedPolicy({}))
})

test('a bridge that is not there is named, and what is on the host stays as it is', async () => {
  const before = await operator.ip('-brief', 'link', 'show')
  const lost = new NetworkBench({ ...operator.uplink(true), bridge: 'nowhere' })
  await expect(lost.network.ensureProject(lost.one)).rejects.toThrow(
    `The uplink nowhere does not exist in the network namespace ${operator.namespace}. Make it as docs/network.md says, or configure uplinkBridge.`,
  )
  await lost.tearDown()
  expect(await operator.ip('-brief', 'link', 'show')).toBe(before)
})
