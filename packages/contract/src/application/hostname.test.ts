import { expect, test } from 'vitest'
import { isHostname } from './hostname.ts'

test.each([
  'a',
  'notebook',
  'a-1.example.org',
  `${'a'.repeat(63)}.b`,
  'xn--bcher-kva.example',
  '1.a',
  '0x7f.example',
])('%s', (name) => {
  expect(isHostname(name)).toBe(true)
})

test.each([
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  '-a',
  'a-',
  'a_b',
  'a b',
  'a\n',
  'A',
  'bücher.example',
  'a'.repeat(64),
  `${'a.'.repeat(127)}a`,
  '127.0.0.1',
  // URLs with these names lead to addresses.
  '0x7f.0x1',
  'example.0x',
  '*.example.org',
  'a;b',
])('not %j', (name) => {
  expect(isHostname(name)).toBe(false)
})
