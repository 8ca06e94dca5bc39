import { stripVTControlCharacters } from 'node:util'
import { assert, constantFrom, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { guestText } from './guest-text.ts'

test.each([
  ['plain text, tabs\tand lines\n', 'plain text, tabs\tand lines\n'],
  ['one\r\ntwo\r\r\nthree\rfour', 'one\ntwo\nthreefour'],
  ['\u001B[31mred\u001B[0m', 'red'],
  ['\u001B[38:2::1:2:3m\u001B[?25hshown', 'shown'],
  ['\u009B2Jgone', 'gone'],
  ['\u001B]0;title\u0007text', 'text'],
  ['\u001B]8;;https://example.org\u001B\\link\u001B]8;;\u001B\\', 'link'],
  ['\u001BPq#0;2\u001B\\after', 'after'],
  ['\u001B(B\u001B7kept', 'kept'],
  // What is not whole hides nothing of what follows it.
  ['\u001B]never ended', 'never ended'],
  ['\u001B[', ''],
  ['\u001B', ''],
  ['\u0000nul \u007Fdel \u0085nel', 'nul del nel'],
  ['\u202Eturned\u2066', 'turned'],
  ['half \uD83D here', 'half \uFFFD here'],
])('%j is shown as %j', (written, shown) => {
  expect(guestText(written, 1000)).toBe(shown)
})

test('the limit counts what is kept, and cuts no character in two', () => {
  expect(guestText('\u001B[31m'.repeat(50) + 'abcdef', 3)).toBe('abc')
  expect(guestText('ab\u{1F600}', 3)).toBe('ab')
  expect(guestText('abc', 0)).toBe('')
})

const noise = string({
  unit: constantFrom(
    '\u001B',
    '[',
    ']',
    'P',
    ';',
    '1',
    'm',
    '\u0007',
    '\\',
    '\u009C',
    '\u009B',
    '\r',
    '\n',
    'a',
  ),
  maxLength: 60,
})

test('whatever a guest writes, nothing is left that a terminal obeys', () => {
  assert(
    property(noise, (written) => {
      const shown = guestText(written, 1000)
      // eslint-disable-next-line no-control-regex
      expect(shown).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/)
      expect(stripVTControlCharacters(shown)).toBe(shown)
      expect(guestText(shown, 1000)).toBe(shown)
    }),
  )
})
