import { expect, test } from 'vitest'
import { firstFree } from './first-free.ts'

test('it counts on from where it begins, and around', () => {
  expect(firstFree(new Set([2, 3]), 4, 2)).toBe(0)
  expect(firstFree(new Set([0, 1, 2, 3]), 4, 2)).toBeUndefined()
  expect(firstFree(new Set(), 4, 'some id')).toBe(firstFree(new Set(), 4, 'some id'))
  expect(firstFree(new Set(), 4, 7)).toBe(3)
})
