import { expect, onTestFinished, test } from 'vitest'
import { SECOND } from '../store/clock.ts'
import { Store } from '../store/store.ts'
import { claim, wake } from '../store/work-items.ts'
import { Engine } from './engine.ts'
import type { StepHandler } from './step.ts'

test('an observer hears how late a step began, how long it took and how it ended', async () => {
  const clock = { time: 1_000 * SECOND, now: () => clock.time }
  const store = await Store.open(':memory:', clock)
  onTestFinished(() => store.close())
  const heard: unknown[] = []
  const steps: StepHandler[] = [
    async () => {
      clock.time += 2 * SECOND
      return { next: 'goOn' }
    },
    async () => {
      throw new Error('a fault')
    },
    async () => {
      // Another worker takes the item once this lease has run out.
      clock.time += 61 * SECOND
      await claim(store.db, clock.now(), 60 * SECOND)
      return { next: 'done' }
    },
  ]
  const engine = new Engine({
    store,
    handlers: { thing: (context) => steps.shift()!(context) },
    random: () => 0,
    observer: {
      claimed: (kind, delay) => heard.push(['claimed', kind, delay]),
      ended: (kind, result, micros) => heard.push(['ended', kind, result, micros]),
    },
  })
  await store.transaction((tx) => wake(tx, 'thing', 'a', clock.now()))
  clock.time += 3 * SECOND
  await engine.runOne()
  await engine.runOne()
  clock.time += SECOND
  await engine.runOne()
  expect(heard).toEqual([
    ['claimed', 'thing', 3 * SECOND],
    ['ended', 'thing', 'goOn', 2 * SECOND],
    ['claimed', 'thing', 0],
    ['ended', 'thing', 'error', 0],
    // Tried again half a second after the fault.
    ['claimed', 'thing', SECOND / 2],
    ['ended', 'thing', 'lost', 61 * SECOND],
  ])
})
