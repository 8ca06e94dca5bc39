import { expect, test } from 'vitest'
import { MAX_PASSWORD_BYTES, passwordProblem } from './password.ts'

test.each(['vm1234', ' a b ', `q'"$#\\:`, 'pässwörd 🚢', 'x'.repeat(256), 'é'.repeat(128), '🚢'.repeat(64)])(
  '%j is good',
  (password) => {
    expect(passwordProblem(password)).toBeNull()
  },
)

test.each([
  ['', 'empty'],
  ['tab\tin it', 'control characters'],
  ['line\nfeed', 'control characters'],
  ['nul\u0000', 'control characters'],
  ['next\u0085line', 'control characters'],
  ['csi\u009b', 'control characters'],
  ['separated\u2028', 'control characters'],
  ['half \ud83d', 'control characters'],
  ['x'.repeat(257), `${MAX_PASSWORD_BYTES} bytes`],
  ['é'.repeat(129), `${MAX_PASSWORD_BYTES} bytes`],
])('%j is not', (password, words) => {
  expect(passwordProblem(password)).toContain(words)
})
