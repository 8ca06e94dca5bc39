import { expect, test } from 'vitest'
import { SECOND } from '../store/clock.ts'
import type { PhaseInput } from './deploy/phase.ts'
import type { Host } from './host.ts'
import { listenForSsh, sshSentence, type SilentSsh } from './ssh-watch.ts'

const AT = { address: '127.0.0.1', port: 22_000 }

/** Looks at one guest after another look, at the given seconds. */
function guest(application?: object) {
  const tried: number[] = []
  let greeting: string | null = ''
  let known: SilentSsh | null | undefined
  let reason = 'Running.'
  return {
    tried,
    set greeting(text: string | null) {
      greeting = text
    },
    /** Another server takes over. */
    adopt: () => (known = undefined),
    async look(second: number): Promise<string> {
      const network = { greetingAt: async () => (tried.push(second), greeting) }
      const input = { row: { reason }, settings: { application }, now: second * SECOND }
      known = await listenForSsh({ network } as unknown as Host, input as unknown as PhaseInput, AT, known)
      reason = `Running.${sshSentence(known, second * SECOND)}`
      return reason
    },
  }
}

const REFUSED = 'Running. SSH does not answer: the guest refuses connections to port 22.'

test('a guest that refuses SSH for half a minute is said to', async () => {
  const one = guest()
  expect(await one.look(1000)).toBe('Running.')
  expect(await one.look(1029)).toBe('Running.')
  expect(await one.look(1030)).toBe(REFUSED)
  expect(await one.look(1035), 'it is not asked at every look').toBe(REFUSED)
  expect(one.tried).toEqual([1000, 1029, 1030])
  one.greeting = null
  expect(await one.look(1090)).toBe('Running. SSH does not answer: nothing comes from the guest’s port 22.')
  one.greeting = 'HTTP/1.1 400 Bad Request'
  expect(await one.look(1150)).toContain('something else does on the guest’s port 22.')
  one.greeting = 'SSH-2.0-OpenSSH_9.2p1'
  expect(await one.look(1210)).toBe('Running.')
})

test('one that was heard is left in peace', async () => {
  const one = guest()
  one.greeting = 'SSH-2.0-OpenSSH_9.2p1'
  expect(await one.look(1000)).toBe('Running.')
  one.greeting = ''
  expect(await one.look(1100)).toBe('Running.')
  expect(one.tried).toEqual([1000])
})

test('what an earlier server said stays said', async () => {
  const one = guest()
  await one.look(1000)
  await one.look(1030)
  one.adopt()
  expect(await one.look(1031)).toBe(REFUSED)
})

test('a service is not asked: it answers in other ways', async () => {
  const one = guest({})
  expect(await one.look(1000)).toBe('Running.')
  expect(one.tried).toEqual([])
})
