import { once } from 'node:events'
import { expect, test } from 'vitest'
import { requireRoom, watchDisk } from './watch-fetch.ts'

test('what finds no room is told how much there is, how much it takes, and what to do', async () => {
  await expect(requireRoom('/', 'docker.io/a/b:c', 2 ** 60)).rejects.toMatchObject({
    message: expect.stringMatching(
      /"docker.io\/a\/b:c" finds no room .*: \d+ MiB are free, and it takes at least 1099511627776 MiB .*The operator can make room\.$/,
    ) as string,
    retryable: true,
  })
})

test('work that is watched ends with the reason to give it up', async () => {
  const silent = new Error('the registry has gone')
  const work = async (signal: AbortSignal): Promise<never> => {
    await once(signal, 'abort')
    throw signal.reason
  }
  await expect(watchDisk('/', 'docker.io/a/b:c', work, () => Promise.reject(silent))).rejects.toBe(silent)
  expect(await watchDisk('/', 'docker.io/a/b:c', async () => 'done')).toBe('done')
})
