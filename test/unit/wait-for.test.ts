import { expect, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'

test('answers the first truthy value', async () => {
  let looks = 0
  const value = await waitFor(() => (looks++ < 3 ? null : 'there'), {
    deadlineSeconds: 5,
    what: 'it',
    intervalMs: 1,
  })
  expect(value).toBe('there')
})

test('past the deadline it says what was waited for and what was last seen', async () => {
  const wait = waitFor(() => [].at(0), { deadlineSeconds: 0.05, what: 'the machine to boot' })
  await expect(wait).rejects.toThrow('waited 0.05 s for the machine to boot; last seen: undefined')
})

test('an error of the condition is "not yet", and is told at the end', async () => {
  let looks = 0
  const flaky = () => {
    if (looks++ < 2) throw new Error('connection refused')
    return 7
  }
  await expect(waitFor(flaky, { deadlineSeconds: 5, what: 'seven', intervalMs: 1 })).resolves.toBe(7)
  const broken = () => Promise.reject(new Error('connection refused'))
  await expect(waitFor(broken, { deadlineSeconds: 0.05, what: 'it' })).rejects.toThrow('connection refused')
})

test('a condition that never answers does not outlast the deadline', async () => {
  const hanging = () => new Promise<never>(() => {})
  await expect(waitFor(hanging, { deadlineSeconds: 0.05, what: 'it' })).rejects.toThrow('did not end')
})
