import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
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
  ['a\\ b $HOME `id` *', ['a b', '$HOME', '`id`', '*']],
  [String.raw`--json "{\"a\": 1}"`, ['--json', '{"a": 1}']],
  [String.raw`"\$HOME \n \\"`, [String.raw`$HOME \n \ `.trimEnd()]],
  [String.raw`'it'\''s'`, ["it's"]],
  ['one \\\n two', ['one', 'two']],
])('%j', (line, words) => {
  expect(splitWords(line)).toEqual(words)
})

test.each(['"', 'a\\', '"\\"', `it's`, `a "b c`, `'a' 'b`])(
  '%j has a mark without its pair or its character',
  (line) => {
    expect(splitWords(line)).toBeUndefined()
  },
)

test('a long line without an end takes no time', () => {
  const line = `${'a'.repeat(30_000)}"`
  const start = performance.now()
  expect(splitWords(line)).toBeUndefined()
  expect(performance.now() - start).toBeLessThan(1000)
})

test('a shell parts any such line alike', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', "'", '\\', '$', '\t'), maxLength: 10 })
  // What a shell would fill in.
  const lines = fc.sample(line, { numRuns: 500, seed: 1 }).filter((it) => !/\$[ab"'$]/.test(it))
  const whole = lines.flatMap((it) => {
    const words = splitWords(it)
    return words === undefined ? [] : [{ line: it, words }]
  })
  expect(whole.length).toBeGreaterThan(100)
  const script = whole.map((it) => `set -- ${it.line}\nprintf '%s\\0' "$#" "$@"\n`).join('')
  const { stdout } = spawnSync('sh', ['-f'], { input: script, encoding: 'utf8' })
  const expected = whole.flatMap(({ words }) => [`${words.length}`, ...words])
  expect(stdout.split('\0').slice(0, -1)).toEqual(expected)
})
