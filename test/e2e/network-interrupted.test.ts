import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import type * as commands from '../../packages/server/src/host/run-command.ts'
import type { GuestPolicy } from '../../packages/server/src/network/guest-policy.ts'
import { NamespaceNetwork } from '../../packages/server/src/network/namespace-network.ts'
import { kernelState } from '../support/kernel-state.ts'
import { guestPort, NetworkBench } from '../support/network-bench.ts'
import { OperatorNetwork } from '../support/operator-network.ts'
import { allowPort, routedPolicy, tcpForward } from '../support/uplink-bench.ts'

// A server dies between any two of the commands by which a guest's network and its way out over a bridge are made, changed
// and removed.

const { life } = vi.hoisted(() => ({
  /** How many commands the server still runs. */
  life: { commands: Number.POSITIVE_INFINITY, passedOver: new Set<string>(), run: [] as string[] },
}))

vi.mock('../../packages/server/src/host/run-command.ts', async (original) => {
  const real = await original<typeof commands>()
  // Dying after a command that only looks is the same as dying before it.
  const looks = (text: string) => / (show|list|pids)( |,|$)/.test(text)
  type Words = Parameters<typeof commands.runCommand>
  const counted =
    <Result>(command: (...words: Words) => Promise<Result>) =>
    async (...words: Words): Promise<Result> => {
      if (life.commands <= 0) throw new Error('died')
      const [file, args, options = {}] = words
      const whole = [file, ...args, options.inputFile ?? ''].join(' ')
      // A process that does several commands may be killed with the server: each half counts as one.
      const lines = args.includes('-batch') ? (options.input ?? '').trimEnd().split('\n') : ['']
      const half = Math.ceil(lines.length / 2)
      const parts = [lines.slice(0, half), lines.slice(half)].filter((part) => part.length > 0)
      const done = parts.filter((part) => {
        if (life.commands <= 0) return false
        const text = `${whole} ${part.join(', ')}`
        life.run.push(text)
        if (!looks(text) && !life.passedOver.has(text)) life.commands--
        return true
      })
      if (done.length === parts.length) return command(...words)
      await command(file, args, { ...options, input: `${done.flat().join('\n')}\n` })
      throw new Error('died')
    }
  return { ...real, runCommand: counted(real.runCommand), tryCommand: counted(real.tryCommand) }
})

/** Does work until so many commands were run. @returns whether that was before its end */
async function diesAfter(count: number, work: () => Promise<void>): Promise<boolean> {
  life.commands = count
  try {
    await work()
    return false
  } catch (error) {
    if (!(error instanceof Error && error.message === 'died')) throw error
    return true
  } finally {
    life.commands = Number.POSITIVE_INFINITY
  }
}

const operator = new OperatorNetwork('dies')
const port = guestPort(9)
const uplink = operator.uplink(true)
const first = routedPolicy({
  rules: [allowPort('any', 8080)],
  publicAddress: '203.0.113.17',
  forwards: [tcpForward(30001, 22, '198.51.100.10')],
})
const second = routedPolicy({
  publicAddress: '203.0.113.18',
  forwards: [tcpForward(30002, 80, '0.0.0.0/0')],
})

const bench = new NetworkBench(uplink)
const { one, inOne, installId, runDir } = bench
const router = `berth-${installId}-edge-router`
const server = () => new NamespaceNetwork({ installId, runDir, uplink })

async function ensure(policy: GuestPolicy): Promise<void> {
  const alone = server()
  await alone.ensureProject(one)
  await alone.ensurePort(one, port, policy)
}

async function remove(): Promise<void> {
  const alone = server()
  await alone.removePort(one, port)
  await alone.removeProject(one.key)
  await alone.shutdownIdle()
}

/** Takes everything away as a reboot would, which is quicker. */
async function wipe(): Promise<void> {
  await operator.ip('link', 'delete', 'dev', `berth-${installId}`).catch(() => {})
  const namespaces = [inOne, router].map((name) =>
    runCommand('ip', ['netns', 'delete', name]).catch(() => {}),
  )
  await Promise.all(namespaces)
}

/** Begins to make it all from nothing. @returns whether the server died before the end */
async function madeAgain(count: number): Promise<boolean> {
  await wipe()
  return diesAfter(count, () => ensure(first))
}

async function state() {
  return Promise.all([inOne, router].map(kernelState))
}

beforeAll(async () => {
  await operator.start()
  await bench.network.prepare()
})
afterAll(async () => {
  await bench.tearDown()
  await operator.stop()
})

test('whatever command was the last of making it, the next server comes to the same state', async () => {
  await ensure(first)
  const whole = await state()
  let count = 1
  for (; await madeAgain(count); count++) {
    await ensure(first)
    expect(await state(), `died after ${count} commands`).toEqual(whole)
  }
  expect(count).toBeGreaterThan(15)
})

test('whatever command was the last of changing it, the next server comes to the same state', async () => {
  await ensure(second)
  const changed = await state()
  life.run = []
  await ensure(second)
  // What runs although nothing is to change has been died after in the making.
  life.passedOver = new Set(life.run)
  await ensure(first)
  let count = 1
  for (; await diesAfter(count, () => ensure(second)); count++) {
    await ensure(second)
    expect(await state(), `died after ${count} commands`).toEqual(changed)
    await ensure(first)
  }
  expect(count).toBeGreaterThan(3)
  life.passedOver = new Set()
})

test('whatever command was the last of removing it, the next server leaves nothing', async () => {
  await remove()
  const before = await kernelState(operator.namespace)
  await ensure(first)
  for (let count = 1; await diesAfter(count, remove); count++) {
    await remove()
    expect(await server().census(), `died after ${count} commands`).toEqual([])
    await ensure(first)
  }
  expect(await server().census()).toEqual([])
  expect(await kernelState(operator.namespace)).toEqual(before)
})
