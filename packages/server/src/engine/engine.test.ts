import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AT_ONCE, SECOND } from '../store/clock.ts'
import { Store } from '../store/store.ts'
import { forgetObject, lateItems, nextDue, releaseAll, wake } from '../store/work-items.ts'
import { backOff } from './back-off.ts'
import { Engine } from './engine.ts'
import { LateWatch, type LateWatchOptions } from './late-watch.ts'
import type { StepHandler } from './step.ts'

const clock = { time: 1_000 * SECOND, now: () => clock.time }
let store: Store

beforeEach(async () => {
  clock.time = 1_000 * SECOND
  store = await Store.open(':memory:', clock)
})
afterEach(() => store.close())

function engineFor(handler: StepHandler, leaseSeconds = 60): Engine {
  return new Engine({ store, handlers: { thing: handler }, random: () => 0, leaseSeconds })
}

const items = () => store.db.selectFrom('work_items').selectAll().executeTakeFirstOrThrow()

async function wakeThing(): Promise<void> {
  await store.transaction((tx) => wake(tx, 'thing', 'a', clock.now()))
}

test('a woken object runs once and rests when done', async () => {
  const handler = vi.fn<StepHandler>(async () => ({ next: 'done' }))
  const engine = engineFor(handler)
  expect(await engine.runOne()).toBe(false)
  await wakeThing()
  expect(await engine.runOne()).toBe(true)
  expect(await engine.runOne()).toBe(false)
  expect(handler).toHaveBeenCalledTimes(1)
})

test('goOn runs again at once, wait after its seconds', async () => {
  const outcomes = [{ next: 'goOn' }, { next: 'wait', seconds: 10 }, { next: 'done' }] as const
  let step = 0
  const engine = engineFor(async () => outcomes[step++] ?? { next: 'done' })
  await wakeThing()
  expect(await engine.runOne()).toBe(true)
  expect(await engine.runOne()).toBe(true)
  clock.time += 9 * SECOND
  expect(await engine.runOne()).toBe(false)
  clock.time += 1 * SECOND
  expect(await engine.runOne()).toBe(true)
  expect(step).toBe(3)
})

test('a wake-up during a step is not lost', async () => {
  let step = 0
  const engine = engineFor(async () => {
    if (step++ === 0) await wakeThing()
    return { next: 'done' }
  })
  await wakeThing()
  await engine.runOne()
  expect(await engine.runOne()).toBe(true)
  expect(await engine.runOne()).toBe(false)
})

test('a step that throws is tried again later and later, and a wake-up starts over', async () => {
  const attempts: number[] = []
  const engine = engineFor(async ({ attempt }) => {
    attempts.push(attempt)
    throw new Error('the world is not ready')
  })
  await wakeThing()
  await engine.runOne()
  expect(await nextDue(store.db)).toBe(clock.now() + 0.5 * SECOND)
  clock.time += 0.5 * SECOND
  await engine.runOne()
  expect(await nextDue(store.db)).toBe(clock.now() + 1 * SECOND)
  await wakeThing()
  await engine.runOne()
  expect(attempts).toEqual([0, 1, 0])
})

test('back-off stays within a minute and never falls below half of itself', () => {
  expect(backOff(1, 0)).toBe(0.5 * SECOND)
  expect(backOff(1, 1)).toBe(0.25 * SECOND)
  expect(backOff(50, 0)).toBe(60 * SECOND)
})

test('a lease that ran out is taken over, and the stale worker writes nothing', async () => {
  let letGo: () => void = () => {}
  const stuck = new Promise<void>((resolve) => (letGo = resolve))
  const written: string[] = []
  let step = 0
  const handler: StepHandler = async () => {
    const mine = step++ === 0 ? 'stale' : 'fresh'
    if (mine === 'stale') await stuck
    return {
      next: 'done',
      commit: async (tx) => {
        written.push(mine)
        await tx.insertInto('organizations').values({ id: mine, name: mine, created_at: 1 }).execute()
      },
    }
  }
  const engine = engineFor(handler, 60)
  await wakeThing()
  const stale = engine.runOne()
  await vi.waitFor(() => expect(step).toBe(1))
  clock.time += 61 * SECOND
  expect(await engine.runOne(), 'the same process never runs two steps of one object').toBe(false)
  expect(await engineFor(handler, 60).runOne()).toBe(true)
  letGo()
  await stale
  const rows = await store.db.selectFrom('organizations').select('id').execute()
  expect(rows.map((row) => row.id)).toEqual(['fresh'])
  expect(written).toEqual(['fresh', 'stale'])
})

test('the step of an object that is given up meanwhile writes nothing, and its item does not come back', async () => {
  let letGo: () => void = () => {}
  const stuck = new Promise<void>((resolve) => (letGo = resolve))
  let began = false
  const handler: StepHandler = async () => {
    began = true
    await stuck
    return {
      next: 'gone',
      commit: async (tx) =>
        void (await tx.insertInto('organizations').values({ id: 'x', name: 'x', created_at: 1 }).execute()),
    }
  }
  await wakeThing()
  const run = engineFor(handler).runOne()
  await vi.waitFor(() => expect(began).toBe(true))
  await store.transaction((tx) => forgetObject(tx, 'thing', 'a'))
  letGo()
  await run
  expect(await store.db.selectFrom('organizations').selectAll().execute()).toEqual([])
  expect(await store.db.selectFrom('work_items').selectAll().execute()).toEqual([])
})

test('a wait ends at its deadline', async () => {
  const deadlineAt = clock.now() + 30 * SECOND
  const engine = engineFor(async () => ({ next: 'wait', seconds: 3_600, deadlineAt }))
  await wakeThing()
  await engine.runOne()
  expect(await nextDue(store.db)).toBe(deadlineAt)
})

function lateWatch() {
  const onLate = vi.fn<LateWatchOptions['onLate']>(async () => {})
  return { onLate, watch: new LateWatch({ store, onLate, onError: () => {} }) }
}

const late = async () => (await lateItems(store.db)).map((item) => item.object_id)

test('a step that does not come back is told of once, and until it does', async () => {
  let comeBack = () => {}
  const engine = engineFor(
    () => new Promise((resolve) => (comeBack = () => resolve({ next: 'wait', seconds: 60 }))),
  )
  const { onLate, watch } = lateWatch()
  await wakeThing()
  const run = engine.runOne()
  await vi.waitFor(async () => expect((await items()).began_at).not.toBeNull())
  clock.time += 299 * SECOND
  await watch.look()
  expect(onLate).not.toHaveBeenCalled()
  clock.time += 2 * SECOND
  for (let look = 0; look < 2; look++) await watch.look()
  expect(onLate).toHaveBeenCalledOnce()
  expect(onLate).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({ object_id: 'a' }),
    clock.time,
  )
  expect(await late()).toEqual(['a'])
  // Another process has it tried again: what hangs goes on hanging, and that is told again.
  await store.transaction((tx) => wake(tx, 'thing', 'a', AT_ONCE))
  await watch.look()
  expect(onLate).toHaveBeenCalledTimes(2)
  expect(await late()).toEqual(['a'])
  comeBack()
  await run
  expect(await late()).toEqual([])
})

test('a step that no worker begins is told of, and one that waits for its time is not', async () => {
  const { onLate, watch } = lateWatch()
  await wakeThing()
  await store.transaction((tx) => wake(tx, 'thing', 'waits', clock.now() + 3_600 * SECOND))
  await store.transaction((tx) => wake(tx, 'thing', 'at once', AT_ONCE))
  clock.time += 301 * SECOND
  await watch.look()
  expect(await late()).toEqual(['a'])
  expect(onLate).toHaveBeenCalledOnce()
  await wakeThing()
  expect(await late()).toEqual([])
})

test('what was late when a server died is not so for the next one', async () => {
  const { watch } = lateWatch()
  await wakeThing()
  clock.time += 301 * SECOND
  await watch.look()
  await releaseAll(store.db, clock.now())
  await watch.look()
  expect(await late()).toEqual([])
})

test('after a crash, what was under way goes on at once', async () => {
  const engine = engineFor(() => new Promise(() => {}))
  await wakeThing()
  void engine.runOne()
  await vi.waitFor(async () =>
    expect(
      (await store.db.selectFrom('work_items').selectAll().executeTakeFirst())?.leased_until,
    ).not.toBeNull(),
  )
  await releaseAll(store.db, clock.now())
  const next = vi.fn<StepHandler>(async () => ({ next: 'done' }))
  expect(await engineFor(next).runOne()).toBe(true)
  expect(next).toHaveBeenCalledTimes(1)
})

test('an object that is gone leaves no work behind', async () => {
  const engine = engineFor(async () => ({ next: 'gone' }))
  await wakeThing()
  await engine.runOne()
  expect(await store.db.selectFrom('work_items').selectAll().execute()).toEqual([])
})

test('started, it works on many objects at once and stop waits for them', async () => {
  let atOnce = 0
  let most = 0
  const finished = new Set<string>()
  const engine = new Engine({
    store,
    workers: 4,
    handlers: {
      thing: async ({ objectId }) => {
        most = Math.max(most, ++atOnce)
        await new Promise((resolve) => setTimeout(resolve, 5))
        atOnce--
        finished.add(objectId)
        return { next: 'done' }
      },
    },
  })
  engine.start()
  for (let index = 0; index < 12; index++) {
    await store.transaction((tx) => wake(tx, 'thing', `object-${index}`, clock.now()))
  }
  await vi.waitFor(() => expect(finished.size).toBe(12), { timeout: 5_000 })
  await engine.stop()
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})
