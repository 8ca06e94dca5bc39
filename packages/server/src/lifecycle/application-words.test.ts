import { MASK } from '@berth/contract/mask'
import { expect, test } from 'vitest'
import { lastWords, lineWithoutSecrets, whyItFailed, withoutSecrets } from './application-words.ts'

const whole = (text: string) => ({ text, isWhole: true })

test('the last words are the last lines, as many as have room', () => {
  expect(lastWords({ log: [] })).toBe('It wrote nothing.')
  expect(lastWords({ log: [whole('one'), whole('  '), whole('two')] })).toBe('Its last words: one | two.')
  const many = Array.from({ length: 20 }, (_, index) => whole(`line ${index} ${'x'.repeat(150)}`))
  const said = lastWords({ log: many })
  expect(said.length).toBeLessThan(850)
  expect(said).toMatch(/^Its last words: line 16 x+ .*line 19 x+\.$/)
})

test('a line of 40 KiB hides nothing: its beginning and its end are shown', () => {
  const said = lastWords({
    log: [whole('before'), whole(`Traceback: ${'x'.repeat(40_000)} KeyError: 'model'`)],
  })
  expect(said).toMatch(/^Its last words: before \| Traceback: x+ … x+ KeyError: 'model'\.$/)
  expect(said.length).toBeLessThan(400)
})

test('secrets are masked before anything is cut', () => {
  const secret = 's3cret&tail'
  const line = `token=${secret} ${'x'.repeat(80)} ${secret} ${'y'.repeat(300)} ?t=${encodeURIComponent(secret)}`
  const said = lastWords({ log: [lineWithoutSecrets(whole(line), [secret])] })
  expect(said).not.toMatch(/s3c|tail/)
  expect(said).toContain(MASK)
  expect(withoutSecrets(`${secret} s3cret`, ['s3cret', secret])).toBe(`${MASK} ${MASK}`)
})

test('a line that begins in the middle shows no rest of a secret', () => {
  for (let cut = 1; cut < 's3cretword'.length; cut++) {
    const text = `${'s3cretword'.slice(cut)} and more`
    const { text: shown } = lineWithoutSecrets({ text, isWhole: false }, ['s3cretword'])
    expect(' and more'.endsWith(shown)).toBe(true)
  }
  const again = { text: `${'x'.repeat(6)}s3cretword!`, isWhole: false }
  expect(lineWithoutSecrets(again, ['s3cretword']).text).toBe(`${MASK}!`)
  expect(lastWords({ log: [{ text: 'the end', isWhole: false }] })).toBe('Its last words: … the end.')
})

test('why a container could not be started is told instead of what an earlier one wrote', () => {
  const seen = { detail: 'It ended with status 127, 4 times within an hour.', log: [whole('from before')] }
  expect(whyItFailed({ ...seen, engineError: 'executable file not found' })).toBe(
    'The application does not start. It ended with status 127, 4 times within an hour. ' +
      'Its container could not be started: executable file not found.',
  )
  expect(whyItFailed(seen)).toContain('does not stay up')
  expect(whyItFailed(seen)).toContain('Its last words: from before.')
})
