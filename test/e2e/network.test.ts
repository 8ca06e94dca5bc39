import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CLOSED_POLICY } from '../../packages/server/src/network/guest-policy.ts'
import type { ProjectNetwork } from '../../packages/server/src/network/network-driver.ts'
import { runCommand, tryCommand } from '../../packages/server/src/host/run-command.ts'
import { guestPort, hear, NetworkBench, policyOf, until } from '../support/network-bench.ts'
import { knock } from '../support/stand-in-guest.ts'

/** Exists where br_netfilter is loaded; each network namespace has its own. */
const BRIDGE_NF = '/proc/sys/net/bridge/bridge-nf-call-iptables'
const bench = new NetworkBench()
const { installId, runDir, network, one, inOne, inTwo, a, b, far, farOther, two } = bench
const rootBridgeNf = readBridgeNf()

beforeAll(() => bench.setUp())
afterEach(() => bench.hangUp())
afterAll(() => bench.tearDown())

test('a forward on the host reaches SSH in the guest of its own project', async () => {
  const toA = await network.ensureForward(bench.sshForward('a', one, a))
  const toFar = await network.ensureForward(bench.sshForward('far', two, far))
  expect(toA.address).toBe('127.0.0.1')
  expect(await hear(await bench.open(toA.port))).toBe('a')
  expect(await hear(await bench.open(toFar.port))).toBe('far')
  expect(await network.ensureForward(bench.sshForward('a', one, a))).toEqual(toA)
  expect(await network.ensureForward(bench.sshForward('a', one, a, toA.port))).toEqual(toA)
})

test('guests are reached on port 22 from the gateway only, and by nobody from a sibling or another project', async () => {
  const [fromGateway, fromSibling, fromFar] = await Promise.all([
    knock(inOne, ['10.64.0.5:22', '10.64.0.5:80', '10.64.0.6:80']),
    knock(b.namespace, ['10.64.0.5:22', '10.64.0.5:80', '10.64.0.1:22', '10.64.0.7:22']),
    knock(farOther.namespace, ['10.64.0.5:22', '10.64.0.6:22', '10.64.0.6:80']),
  ])
  expect(fromGateway).toEqual(['a', 'silence', 'silence'])
  expect(fromSibling.slice(0, 3)).toEqual(['silence', 'silence', 'silence'])
  // Nobody of project one has this address; the guest of project two that does must not answer.
  expect(['silence', 'EHOSTUNREACH']).toContain(fromSibling[3])
  expect(fromFar[0]).toBe('silence')
  for (const outcome of fromFar.slice(1)) expect(['silence', 'EHOSTUNREACH']).toContain(outcome)
})

test('a guest answers for its address behind rules that let nothing in, and not for one that it does not have', async () => {
  expect(await network.answersArp('one', a.port)).toBe(true)
  expect(await network.answersArp('two', far.port)).toBe(true)
  const [address, device] = [`${a.port.address}/20`, 'eth0']
  await a.ip('address', 'delete', address, 'dev', device)
  expect(await network.answersArp('one', a.port), 'a sibling answers for nobody else').toBe(false)
  await a.ip('address', 'add', address, 'dev', device)
  await a.ip('route', 'add', 'default', 'via', '10.64.0.1')
  expect(await network.answersArp('one', a.port)).toBe(true)
  const way = await network.ensureForward(bench.sshForward('a', one, a))
  expect(await network.greetingAt(way)).toMatch(/^a/)
})

test('sibling traffic is routed and judged by the firewall without br_netfilter', async () => {
  const inside = await tryCommand('ip', ['netns', 'exec', inOne, 'cat', BRIDGE_NF])
  expect(inside.stdout.trim()).toBe(rootBridgeNf === null ? '' : '0')
  expect(readBridgeNf()).toBe(rootBridgeNf)
  expect(await knock(b.namespace, ['10.64.0.5:80'])).toEqual(['silence'])
  await a.attach(policyOf({ source_cidr: '10.64.0.6', action: 'allow', application: 'http' }))
  expect(await knock(b.namespace, ['10.64.0.5:80'])).toEqual(['a'])
  await network.ensureProject(one)
  expect(await knock(b.namespace, ['10.64.0.5:80'])).toEqual(['a'])
  await nft(inOne, 'flush', 'chain', 'inet', 'berth', 'relay-10.64.0.5')
  await nft(inOne, 'flush', 'chain', 'inet', 'berth', 'to-10.64.0.5')
  expect(await knock(inOne, ['10.64.0.5:22', '10.64.0.5:80'])).toEqual(['silence', 'silence'])
  await a.attach()
  expect(await knock(b.namespace, ['10.64.0.5:80'])).toEqual(['silence'])
  expect(await knock(inOne, ['10.64.0.5:22', '10.64.0.5:80'])).toEqual(['a', 'silence'])
})

test('frames with a borrowed IP address, ARP sender or MAC address do not get past the port', async () => {
  const counters = ['c-own', 'c-own-arp', 'c-address', 'c-arp', 'c-mac']
  await nft(inOne, 'add', 'table', 'bridge', 'probe')
  await nft(inOne, 'add', 'chain', 'bridge', 'probe', 'in', '{ type filter hook input priority 0; }')
  for (const counter of counters) await nft(inOne, 'add', 'counter', 'bridge', 'probe', counter)
  const count = (counter: string, ...match: string[]) =>
    nft(inOne, 'add', 'rule', 'bridge', 'probe', 'in', ...match, 'counter', 'name', counter)
  await count('c-own', 'ip', 'saddr', '10.64.0.6', 'udp', 'dport', '9')
  await count('c-own-arp', 'arp', 'saddr', 'ip', '10.64.0.6')
  await count('c-address', 'ip', 'saddr', '10.64.0.99')
  await count('c-arp', 'arp', 'saddr', 'ip', '10.64.0.99')
  await count('c-mac', 'ether', 'saddr', '02:00:00:00:00:99')
  const gatewayMac = (await runCommand('ip', ['-n', inOne, '-j', 'link', 'show', 'br0'])).match(
    /"address":"([^"]+)"/,
  )?.[1]
  const pinGateway = () =>
    b.ip('neighbour', 'replace', '10.64.0.1', 'lladdr', gatewayMac ?? '', 'dev', 'eth0', 'nud', 'permanent')
  await b.ip('address', 'add', '10.64.0.99/20', 'dev', 'eth0')
  await pinGateway()
  await b.send('10.64.0.6', '10.64.0.1')
  await b.send('10.64.0.99', '10.64.0.1')
  // Without a neighbour entry the guest asks by ARP first, with the borrowed address as sender.
  await b.ip('neighbour', 'delete', '10.64.0.1', 'dev', 'eth0')
  await b.send('10.64.0.99', '10.64.0.1')
  await b.ip('neighbour', 'delete', '10.64.0.1', 'dev', 'eth0')
  await b.send('10.64.0.6', '10.64.0.1')
  await b.ip('link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:00:99')
  await pinGateway()
  await b.send('10.64.0.6', '10.64.0.1')
  await b.ip('link', 'set', 'dev', 'eth0', 'address', b.port.mac)
  await b.ip('address', 'delete', '10.64.0.99/20', 'dev', 'eth0')
  const packets = await Promise.all(counters.map((counter) => readCounter(inOne, counter)))
  await nft(inOne, 'delete', 'table', 'bridge', 'probe')
  expect(packets).toEqual([6, 1, 0, 0, 0])
})

test('ports and projects can be ensured and removed repeatedly, whatever a crash left behind', async () => {
  const three: ProjectNetwork = { key: 'three', gateway: '10.64.0.1/20', number: 3 }
  const namespace = network.namespaceOf('three')
  // `ip netns add` that died between creating the file and mounting the namespace on it.
  writeFileSync(`/run/netns/${namespace}`, '')
  await network.ensureProject(three)
  await runCommand('ip', ['-n', namespace, 'address', 'flush', 'dev', 'br0'])
  await runCommand('ip', ['-n', namespace, 'address', 'add', '10.9.0.1/24', 'dev', 'br0'])
  const port = guestPort(8)
  const user = ['mode', 'tap', 'user', 'berth-guest']
  await runCommand('ip', ['-n', namespace, 'tuntap', 'add', 'dev', port.tap, ...user])
  for (const repeat of [1, 2]) {
    await network.ensureProject(three)
    await network.ensurePort(three, port, CLOSED_POLICY)
    const addresses = await runCommand('ip', ['-n', namespace, '-4', '-br', 'address', 'show', 'dev', 'br0'])
    expect(addresses.trim().split(/\s+/).slice(2), `repeat ${repeat}`).toEqual(['10.64.0.1/20'])
  }
  const link = await runCommand('ip', ['-n', namespace, '-d', 'link', 'show', port.tap])
  for (const word of ['master br0', 'isolated on', 'learning off', 'user berth-guest', 'persist on']) {
    expect(link).toContain(word)
  }
  for (const repeat of [1, 2]) {
    await network.removePort(three, port)
    const rules = await runCommand('ip', ['netns', 'exec', namespace, 'nft', 'list', 'ruleset'])
    expect(rules, `repeat ${repeat}`).not.toContain(port.tap)
    expect(rules, `repeat ${repeat}`).not.toContain(port.address)
  }
  await network.removeProject('three')
  await network.removeProject('three')
  await network.removePort(three, port)
})

test('the place of a guest that another instance left behind is neither taken nor removed', async () => {
  const stranger = { ...guestPort(5), instanceId: 'stranger' }
  await expect(network.ensurePort(one, stranger, CLOSED_POLICY)).rejects.toThrow(
    'The guest of another instance, instance-5, still runs on its network device; the operator has to end it.',
  )
  await network.removePort(one, stranger)
  expect(await bench.differences(one, a.port, CLOSED_POLICY)).not.toContain('device g5')
})

test('a project is not removed around a process, and the error names it', async () => {
  await network.ensureProject({ key: 'four', gateway: '10.64.0.1/20', number: 4 })
  const namespace = network.namespaceOf('four')
  const sleeper = bench.start('ip', ['netns', 'exec', namespace, 'sleep', '60'])
  await until('the sleeper is inside', async () => {
    const comm = readFileSync(`/proc/${sleeper.pid}/comm`, 'utf8').trim()
    return comm === 'sleep'
  })
  await expect(network.removeProject('four')).rejects.toThrow(
    `${namespace} is still used by sleep (pid ${sleeper.pid})`,
  )
  expect(sleeper.exitCode).toBeNull()
  sleeper.kill('SIGKILL')
  await network.removeProject('four')
})

test('the census lists everything there is, and nothing once all is removed', async () => {
  await network.removeForward('far/ssh')
  const { port } = await network.ensureForward(bench.sshForward('a', one, a))
  const tap = guestPort(11)
  await network.ensurePort(two, tap, CLOSED_POLICY)
  const entries = await network.census()
  const named = entries
    .filter(({ kind }) => kind !== 'process')
    .map(({ kind, name, owner }) => [kind, name, owner])
  const id = (n: number) => guestPort(n).instanceId
  const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).toSorted()
  expect(sorted(named)).toEqual(
    sorted([
      ...[inOne, inTwo].map((name) => ['namespace', name, name.slice(-3)]),
      ...[inOne, inTwo].flatMap((name) =>
        ['bridge berth', 'inet berth'].map((table) => ['nft-table', `${name}/${table}`, name.slice(-3)]),
      ),
      ['tap', `${inOne}/g5`, id(5)],
      ['tap', `${inOne}/g6`, id(6)],
      ['tap', `${inTwo}/g5`, id(5)],
      ['tap', `${inTwo}/g7`, id(7)],
      ['tap', `${inTwo}/g11`, id(11)],
      ['listener', `127.0.0.1:${port}`, 'a'],
      ['socket', join(runDir, 'relay.sock'), undefined],
    ]),
  )
  expect((await bench.relayPids()).length).toBe(1)
  expect((await bench.relayPids('one')).length).toBe(1)
  expect(statSync(runDir).mode & 0o777).toBe(0o700)
  expect(statSync(join(runDir, 'relay.sock')).mode & 0o777).toBe(0o600)
  for (const forward of ['a/ssh', 'a/ssh']) await network.removeForward(forward)
  await network.removePort(two, tap)
  await bench.stopGuests()
  for (const project of ['one', 'two']) await network.removeProject(project)
  await network.shutdownIdle()
  expect(await network.census()).toEqual([])
  expect(await runCommand('ip', ['netns', 'list'])).not.toContain(`berth-${installId}`)
})

async function nft(namespace: string, ...args: string[]): Promise<string> {
  return runCommand('ip', ['netns', 'exec', namespace, 'nft', ...args])
}

async function readCounter(namespace: string, counter: string): Promise<number> {
  const text = await nft(namespace, 'list', 'counter', 'bridge', 'probe', counter)
  return Number(/packets (\d+)/.exec(text)?.[1])
}

function readBridgeNf(): string | null {
  try {
    return readFileSync(BRIDGE_NF, 'utf8')
  } catch {
    return null
  }
}
