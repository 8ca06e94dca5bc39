import { afterEach, expect, test } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { type LoopBlock, LoopWatch } from './loop-watch.ts'

const blocks: LoopBlock[] = []
const watch = new LoopWatch((block) => blocks.push(block))

afterEach(() => watch.stop())

test('a block of the event loop is told of, with the CPU time that it took', async () => {
  watch.start()
  expect(watch.lately()).toBeNull()
  const end = performance.now() + 1500
  while (performance.now() < end);
  await waitFor(() => blocks.length > 0, { deadlineSeconds: 5, what: 'the block to be noticed' })
  expect(blocks).toHaveLength(1)
  expect(blocks[0]?.seconds).toBeGreaterThan(1)
  expect(blocks[0]?.cpuSeconds).toBeGreaterThan(0.1)
  expect(watch.lately()).toMatch(/^The server was blocked for \d+\.\d s until 0 s ago\.$/)
})
