import { expect, test } from 'vitest'
import type { PublishedSettings } from '../store/published-settings.ts'
import type { PhaseInput } from './deploy/phase.ts'
import { accessAfterStart, accessAtStart, accessWaiting, hasAccess } from './guest-access.ts'

const given = { password: 'one', sshKeys: ['key one'] }
const wanted = { password: 'two', sshKeys: ['key one', 'key two'] } as unknown as PublishedSettings

const atStart = (access: PhaseInput['access'], settings = wanted, facts: string | null = '{}') =>
  accessAtStart(
    {
      row: { machine_facts: facts, deploy_generation: 7, phase_started_at: 9 },
      settings,
      access,
    } as unknown as PhaseInput,
    'debian',
  )

test('what a running guest lacks is told, and why', () => {
  expect(accessWaiting(given, wanted)).toBe(
    'The new password and SSH keys apply when it is stopped and started again, since no guest agent answers in it.',
  )
  expect(accessWaiting({ ...given, sshKeys: wanted.sshKeys }, wanted)).toBe(
    'The new password applies when it is stopped and started again, since no guest agent answers in it.',
  )
  const seeded = { stamp: '7', password: 'two', sshKeys: wanted.sshKeys }
  expect(accessWaiting({ ...given, seeded }, wanted)).toBe(
    'The new password and SSH keys were handed to the guest for its start, and it has not said that it took them; stop and start it to hand them over again.',
  )
  expect(accessWaiting(seeded, wanted)).toBe('')
})

test('a start takes along what the guest lacks, with all the keys that it may have been given', () => {
  expect(atStart({ ...given, unsettledKeys: ['key three'] })).toEqual({
    stamp: '7-9',
    user: 'debian',
    password: 'two',
    sshKeys: ['key one', 'key two'],
    formerSshKeys: ['key one', 'key three'],
  })
  expect(atStart(given, { ...wanted, password: '' })).not.toHaveProperty('password')
})

test('a guest that has yet to take its first seed, or lacks nothing, is told nothing', () => {
  expect(atStart(given, wanted, null)).toBeUndefined()
  expect(atStart(wanted)).toBeUndefined()
})

test('a seed that says what is wanted stays, and one that says what was wanted once does not', () => {
  const seeded = { stamp: '5', password: 'two', sshKeys: wanted.sshKeys }
  expect(atStart({ ...given, seeded })).toBeUndefined()
  // Its agent was given something newer since: the old change must not come back at the next start.
  const newer = { password: 'three', sshKeys: [] } as unknown as PublishedSettings
  expect(atStart({ ...newer, seeded }, newer)).toMatchObject({ stamp: '7-9', password: 'three' })
})

test('a change that may or may not have happened is not taken for done', () => {
  expect(hasAccess(given, given)).toBe(true)
  expect(hasAccess({ ...given, unsettledKeys: [] }, given)).toBe(false)
})

test('a change that the seed may not say yet is handed over again', () => {
  const seeded = { stamp: '5', password: 'two', sshKeys: wanted.sshKeys, unwritten: true } as const
  expect(atStart({ ...given, seeded })).toMatchObject({ stamp: '7-9', password: 'two' })
})

test('a guest that tells of a change has it, and one that nobody knows of makes unknown what it has', () => {
  const seeded = { stamp: '7', password: 'two', sshKeys: ['key two'] }
  expect(accessAfterStart({ ...given, seeded }, undefined)).toBeUndefined()
  const taken = accessAfterStart({ ...given, seeded }, '7')
  expect(taken).toEqual({ password: 'two', sshKeys: ['key two'], seeded, taken: '7' })
  expect(accessAfterStart(taken ?? given, '7')).toBeUndefined()
  const unknown = accessAfterStart({ ...given, seeded }, '6')
  expect(unknown).toMatchObject({ password: 'one', unsettledKeys: ['key one', 'key two'], taken: '6' })
  const same = { ...given } as unknown as PublishedSettings
  expect(accessWaiting(unknown ?? given, same)).toContain('The new password and SSH keys')
})
