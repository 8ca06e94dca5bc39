import { expect, test } from 'vitest'
import { median, medianFigures, quantile, restlessness } from '../../scripts/bench/figures.ts'

test('a quantile is one of the values: the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(quantile(hundred, 0.5)).toBe(50)
  expect(quantile(hundred, 0.99)).toBe(99)
  expect(quantile([7], 0.99)).toBe(7)
  expect(quantile([], 0.5)).toBeNaN()
  expect(median([10, 9, 200])).toBe(10)
})

test('runs are summed up figure by figure, and every error counts', () => {
  const run = { p50: 1, p99: 5, perSecond: 100, serverCpu: 0.1, errors: 1 }
  const runs = [run, { ...run, p50: 3, errors: 0 }, { ...run, p50: 2, perSecond: 50, errors: 2 }]
  expect(medianFigures(runs)).toEqual({ ...run, p50: 2, perSecond: 100, errors: 3 })
})

test('runs that differ by more than a factor of 2 are named', () => {
  const runs = [
    { p50: 1, p99: 5, errors: 0 },
    { p50: 1.9, p99: 11, errors: 9 },
  ]
  expect(restlessness('GET', runs)).toEqual(['GET: the p99 of its runs differs by a factor of 2.2'])
})
