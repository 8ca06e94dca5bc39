import { HostError } from '@berth/contract/host/host-error'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PLACES } from '../../packages/server/src/lifecycle/deploy/phases.ts'
import type { ComputeInstanceRow } from '../../packages/server/src/store/schema.ts'
import { LifecycleBench, type Treatment } from '../simulation/lifecycle-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// Of every step that deploys, changes, stops, starts or deletes an instance: repeated, it changes nothing; failed at
// any effect, it is taken up or unwound; its removal repeated, nothing breaks.

const SLOW = { timeout: 120_000 }

/** What is asked for, and where it begins: after the ways before it. */
const JOURNEYS = {
  deploy: [publish('services', 1)],
  change: [publish('services', 1), publish('services', 2)],
  stop: [publish('services', 1), act('stop')],
  keep: [publish('services', 1), act('stop'), publish('services', 2)],
  start: [publish('services', 1), act('stop'), act('start')],
  reboot: [publish('computeinstances', 1), act('reboot')],
  delete: [publish('services', 1), remove],
} as const
type Ask = (on: LifecycleBench) => Promise<void>
const ALL = Object.entries(JOURNEYS).map(([name, asks]) => ({ name, asks: asks as readonly Ask[] }))

function publish(kind: 'computeinstances' | 'services', cpus: number): Ask {
  return (on) => on.publish(kind, cpus, `password ${cpus}`)
}

function act(action: 'start' | 'stop' | 'reboot'): Ask {
  return (on) => on.act(action)
}

async function remove(on: LifecycleBench): Promise<void> {
  await on.delete()
}

let bench: LifecycleBench
beforeAll(async () => {
  bench = await LifecycleBench.open(await tempDir())
})
afterAll(() => bench.close())

/** Another instance, for which all but the last of what a journey asks for is done, and the last is asked for. */
async function before(asks: readonly Ask[]): Promise<void> {
  expect(await bench.beginAnew(), 'left by the last one').toEqual([])
  for (const ask of asks.slice(0, -1)) {
    await ask(bench)
    await bench.settle()
  }
  await asks.at(-1)?.(bench)
}

/** How a journey ends: what is where, without what differs from run to run. */
async function endOf(): Promise<unknown> {
  const row = await bench.row()
  const { status, power_state, reason, phase, reserved_memory_mib } = row ?? {}
  const census = bench.world.census().map((line) => line.replaceAll(/[0-9a-f-]{36}/g, 'ID'))
  const kinds = census.map((line) => line.replace(/ [0-9a-z]{7}(\/|$)/, ' KEY$1'))
  return { status, power_state, reason, phase, reserved_memory_mib, kinds }
}

/**
 * The effects of the last thing that a journey asks for, by their number, when all goes well; and how that ends. Of
 * those that a phase repeats while it waits, the first and the last.
 */
async function undisturbed(asks: readonly Ask[]): Promise<{ effects: Map<number, string>; end: unknown }> {
  // Images that the first run fetches are there for the others, whose effects have the same numbers then.
  await before(asks)
  await bench.settle()
  await before(asks)
  const first = new Map<string, number>()
  const last = new Map<string, number>()
  let count = 0
  bench.treat = async (name, apply) => {
    const effect = `${name} in ${(await bench.row())?.phase}`
    if (!first.has(effect)) first.set(effect, count)
    last.set(effect, count++)
    return apply()
  }
  await bench.settle()
  const effects = new Map([...first, ...last].map(([effect, number]) => [number, effect]))
  return { effects, end: await endOf() }
}

/** Treats the effect of that number in a way of its own, once or from then on, and does the others. */
function atEffect(number: number, treat: Treatment, always = false): Treatment {
  let count = -1
  return (name, apply, crash) => {
    count += 1
    return count === number || (always && count > number) ? treat(name, apply, crash) : apply()
  }
}

const failing: readonly { how: string; treat: Treatment }[] = [
  {
    how: 'fails before it happens',
    treat: () => {
      throw new HostError('It failed.')
    },
  },
  {
    how: 'happens, and its reply is lost',
    treat: (_name, apply) => {
      apply()
      throw new HostError('Its reply was lost.')
    },
  },
  {
    how: 'fails as nobody foresaw',
    treat: () => {
      throw new TypeError('cannot read properties of undefined')
    },
  },
  { how: 'meets a crash before it', treat: (_name, _apply, crash) => crash() },
  {
    how: 'meets a crash after it',
    treat: (_name, apply, crash) => {
      apply()
      return crash()
    },
  },
]

test('the journeys go through every phase that there is', SLOW, async () => {
  for (const { asks } of ALL) {
    await before(asks)
    await bench.settle()
  }
  expect(PLACES.filter((place) => !bench.visited.has(place))).toEqual([])
  expect(bench.visited).toContain('destroy')
})

test.each(ALL)('$name: each step repeated changes nothing', SLOW, async ({ asks }) => {
  const { end } = await undisturbed(asks)
  await before(asks)
  bench.wrap = (handler) => async (context) => {
    // The first time its result is lost, as with a crash right before it is written.
    await handler(context)
    const world = bench.world.toText()
    const outcome = await handler(context)
    expect(bench.world.toText()).toBe(world)
    return outcome
  }
  await bench.settle()
  expect(await endOf()).toEqual(end)
})

test.each(ALL.flatMap((journey) => failing.map((failure) => ({ ...journey, ...failure }))))(
  '$name: taken up when an effect $how',
  SLOW,
  async ({ asks, treat }) => {
    const { effects, end } = await undisturbed(asks)
    expect(effects.size).toBeGreaterThan(0)
    for (const [number, effect] of effects) {
      await before(asks)
      bench.treat = atEffect(number, treat)
      await bench.settle()
      expect(await endOf(), `effect ${number}, ${effect}`).toEqual(end)
    }
  },
)

test.each([
  { turned: 'on', application: true },
  { turned: 'off', application: false },
])(
  'with its application turned $turned at any effect of a deployment that dies there, it runs as published',
  SLOW,
  async ({ application }) => {
    const asks: Ask[] = [(on) => on.publish('services', 1, 'password 1', !application)]
    const { effects } = await undisturbed(asks)
    for (const [number, effect] of effects) {
      await before(asks)
      bench.treat = atEffect(number, async (_name, apply, crash) => {
        apply()
        await bench.publish('services', 2, 'password 2', application)
        return crash()
      })
      await bench.settle()
      const [row, [machine]] = [await bench.row(), [...bench.world.machines.values()]]
      const [process] = bench.world.processes.toJSON()
      const what = `effect ${number}, ${effect}`
      expect(row, what).toMatchObject({ status: 'success', running_size: process?.note })
      expect(machine?.applicationPort, what).toBe(application ? 443 : null)
    }
  },
)

test(
  'given up at any effect of a deployment, it says why, and is removed by steps that repeat',
  SLOW,
  async () => {
    const { effects } = await undisturbed(JOURNEYS.deploy)
    for (const [number, effect] of effects) {
      await before(JOURNEYS.deploy)
      bench.treat = atEffect(number, () => {
        throw new HostError('It cannot be done.', { retryable: false })
      })
      await bench.settle()
      const row = await bench.row()
      const told = row?.status === 'failed' ? row.reason : `${row?.status} in ${row?.phase}`
      // What looks after a guest that is up tells, and goes on.
      expect(['It cannot be done.', 'success in run'], `effect ${number}, ${effect}`).toContain(told)
      bench.wrap = (handler) => async (context) => {
        await handler(context)
        return handler(context)
      }
      await bench.delete()
      await bench.settle()
      expect(await bench.left(), `after effect ${number}, ${effect}`).toEqual([])
    }
  },
)

/** The guest that ran dies, and does not start until the host is well again. */
async function startsNotUntil(isWell: (row: ComputeInstanceRow | undefined) => Promise<boolean>) {
  await before([publish('services', 1)])
  await bench.settle()
  await bench.killGuest()
  let isBroken = true
  bench.treat = async (name, apply) => {
    isBroken &&= !(await isWell(await bench.row()))
    if (isBroken && name === 'driver.spawn') throw new HostError('The disk is full.')
    return apply()
  }
}

test('a guest that ran and cannot be started is failed, and comes back by itself', SLOW, async () => {
  let told = ''
  let tries = 0
  await startsNotUntil(async (row) => {
    if (row?.status !== 'failed') return false
    // What it had on the network goes meanwhile, as when the host reboots.
    if (told === '') bench.world.ports.clear()
    told = row.reason
    return ++tries > 30
  })
  const { length } = await bench.events()
  await bench.settle()
  expect(told).toBe(
    'The disk is full. Starting it goes on being tried once a minute; publish it to try at once.',
  )
  expect(await bench.row()).toMatchObject({ status: 'success', power_state: 'running' })
  expect((await bench.events()).slice(length)).toEqual(['stopped', 'failed', 'running'])
})

test.each([
  { what: 'started', ask: act('start'), end: 'success, running' },
  { what: 'stopped', ask: act('stop'), end: 'success, stopped' },
  { what: 'published', ask: publish('services', 2), end: 'success, running' },
  { what: 'deleted', ask: remove, end: 'gone' },
])('a guest that goes on being started can be $what', SLOW, async ({ ask, end }) => {
  await startsNotUntil(async (row) => {
    if (row?.status !== 'failed') return false
    await ask(bench)
    return true
  })
  await bench.settle()
  const row = await bench.row()
  expect(row ? `${row.status}, ${row.power_state}` : 'gone').toBe(end)
})

test('delete wins: asked for after any step of any journey, it leaves nothing', SLOW, async () => {
  for (const { name, asks } of ALL.filter((journey) => journey.name !== 'delete')) {
    const { effects } = await undisturbed(asks)
    for (const number of effects.keys()) {
      await before(asks)
      let isAsked = false
      bench.treat = atEffect(number, async (_effect, apply) => {
        // Another request comes while the step is at work.
        await bench.delete()
        isAsked = true
        return apply()
      })
      await bench.settle()
      // How much a look at a running guest does depends on its id, so the last effects are not always met.
      if (!isAsked) await bench.delete()
      await bench.settle()
      expect(await bench.left(), `${name}, effect ${number}`).toEqual([])
    }
  }
})
