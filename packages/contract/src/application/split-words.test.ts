import { expect, test } from 'vitest'
import { splitWords } from './split-words.ts'

test.each([
  ['', []],
  ['   ', []],
  ['a', ['a']],
  [' --a  1\t--b ', ['--a', '1', '--b']],
  [`--json '{"a": 1}'`, ['--json', '{"a": 1}']],
  [`--name="two words"'s'`, ['--name=two wordss']],
  [`"it's"`, [`it's`]],
  ['""', ['']],
  ['a\\ b $HOME `id`', ['a\\', 'b', '$HOME', '`id`']],
])('%j', (line, words) => {
  expect(splitWords(line)).toEqual(words)
})

test.each(['"', `it's`, `a "b c`, `'a' 'b`])('%j has a mark without its pair', (line) => {
  expect(splitWords(line)).toBeUndefined()
})

test('a long line without an end takes no time', () => {
  const line = `${'a'.repeat(30_000)}"`
  const start = performance.now()
  expect(splitWords(line)).toBeUndefined()
  expect(performance.now() - start).toBeLessThan(1000)
})
