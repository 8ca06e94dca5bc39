import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import {
  compileRules,
  NO_ROUTED_WAYS,
  type GuestPolicy,
} from '../../packages/server/src/network/guest-policy.ts'
import { loadRules } from '../../packages/server/src/network/project-namespace.ts'
import { compileRuleset } from '../../packages/server/src/network/ruleset.ts'
import { NetworkBench } from '../support/network-bench.ts'
import { OutsideClient } from '../support/outside-client.ts'
import { modelVerdict } from '../support/policy-model.ts'
import { firewallRule, PORTS, SOURCES } from '../support/random-policy.ts'

const POLICIES = 500
const PACKETS_EACH = 12

/** Binds the ports of argv and, once its input ends, prints the numbers of all datagrams that came. */
const RECEIVER = `
const numbers = []
Promise.all(process.argv.slice(1).map((port) => new Promise((ready) => {
  const socket = require('dgram').createSocket({ type: 'udp4', recvBufferSize: 4194304 })
  socket.on('message', (data) => numbers.push(Number(data.toString())))
  socket.bind(Number(port), '0.0.0.0', ready)
}))).then(() => console.log('ready'))
process.stdin.resume()
process.stdin.on('end', () => { console.log(JSON.stringify(numbers)); process.exit(0) })
`

/** Sends [number, source, address, port] of its input, some a millisecond. */
const SENDER = `
const packets = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const sockets = new Map()
const socketOf = (source) => new Promise((ready) => {
  if (sockets.has(source)) return ready(sockets.get(source))
  const socket = require('dgram').createSocket('udp4')
  sockets.set(source, socket)
  socket.bind(0, source, () => ready(socket))
})
;(async () => {
  for (const [number, source, address, port] of packets) {
    const socket = await socketOf(source)
    await new Promise((sent) => socket.send(String(number), port, address, sent))
    if (number % 8 === 0) await new Promise((next) => setTimeout(next, 1))
  }
  for (const socket of sockets.values()) socket.close()
})()
`

const bench = new NetworkBench()
const outside = new OutsideClient(
  `bg-${bench.installId}-out`,
  bench.inOne,
  bench.one.gateway,
  'outside',
  '198.18.0.0/15',
)

beforeAll(async () => {
  await bench.setUp()
  await outside.start()
})
afterAll(async () => {
  await outside.stop()
  await bench.tearDown()
})

test(`the kernel's verdict on ${POLICIES} random policies is the documentation's`, async () => {
  const seed = randomInt(2 ** 31)
  const policies = fc.sample(fc.array(firewallRule, { maxLength: 8 }), { numRuns: POLICIES, seed })
  // One guest stands for all: it has an address for each policy.
  const address = (index: number) => `10.64.${4 + (index >> 8)}.${index & 255}`
  const ports = policies.map((rules, index) => {
    const policy: GuestPolicy = {
      rules: compileRules(rules),
      relayed: { tcp: [], udp: [] },
      ways: NO_ROUTED_WAYS,
    }
    return { ...bench.a.port, tap: `r${index}`, address: address(index), policy }
  })
  await loadRules(bench.inOne, compileRuleset(bench.one, null, ports))
  await bench.a.ip('route', 'add', 'local', '10.64.4.0/22', 'dev', 'lo')
  const routes = ports.map(
    (port) => `neighbour replace ${port.address} lladdr ${port.mac} dev br0 nud permanent`,
  )
  await runCommand('ip', ['-n', bench.inOne, '-batch', '-'], { input: routes.join('\n') })

  const pick = fc.record({
    source: fc.constantFrom(...SOURCES),
    protocol: fc.constant('udp' as const),
    port: fc.constantFrom(...PORTS),
  })
  const packets = policies.flatMap((rules, policy) =>
    fc
      .sample(pick, { numRuns: PACKETS_EACH, seed: seed + policy })
      .map((packet) => ({ packet, policy, verdict: modelVerdict(rules, packet) })),
  )
  const inGuest = [
    'netns',
    'exec',
    bench.a.namespace,
    process.execPath,
    '-e',
    RECEIVER,
    '--',
    ...PORTS.map(String),
  ]
  const receiver = spawn('ip', inGuest, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(receiver.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
  const batch = packets.map(({ packet, policy }, number) => [
    number,
    packet.source,
    address(policy),
    packet.port,
  ])
  await runCommand('ip', ['netns', 'exec', outside.namespace, process.execPath, '-e', SENDER], {
    input: JSON.stringify(batch),
    timeoutMs: 60_000,
  })
  let said = ''
  receiver.stdout.on('data', (data: Buffer) => (said += data.toString()))
  const ended = once(receiver, 'exit')
  setTimeout(() => receiver.stdin.end(), 500)
  await ended
  const arrived = new Set(JSON.parse(said) as number[])
  const wrong = packets.flatMap(({ packet, policy, verdict }, number) =>
    arrived.has(number) === (verdict === 'allow') ? [] : [{ packet, verdict, rules: policies[policy] }],
  )
  expect(wrong.slice(0, 3), `of ${packets.length} packets, seed ${seed}`).toEqual([])
  const allowed = packets.filter(({ verdict }) => verdict === 'allow').length
  expect(allowed, 'both verdicts occur').toBeGreaterThan(packets.length / 20)
  expect(allowed).toBeLessThan((packets.length * 19) / 20)
})
