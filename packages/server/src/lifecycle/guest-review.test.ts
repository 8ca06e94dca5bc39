import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import type { GuestLook } from '../drivers/machine-driver.ts'
import { SECOND } from '../store/clock.ts'
import { reviewGuest, type GuestReview } from './guest-review.ts'
import type { Host } from './host.ts'

/** A running guest whose insides the test decides, looked after once a minute. */
class Guest {
  look: GuestLook = { agent: 'answering' }
  /** Whether it lets its clock be set, and keeps what it was set to. */
  clock: 'obeys' | 'refuses' | 'returns' = 'obeys'
  row = { id: 'id', boot_id: 'boot-1', reason: 'Running.' }
  looks = 0
  sets = 0
  now = 0
  last: GuestReview | undefined

  async review(seconds = 60): Promise<GuestReview> {
    this.now += seconds * SECOND
    this.last = await reviewGuest({ driver: this } as unknown as Host, this.row, this.last, this.now)
    return this.last
  }

  async lookInside(): Promise<GuestLook> {
    this.looks++
    return this.look
  }

  async setClock(): Promise<void> {
    this.sets++
    if (this.clock === 'refuses') throw new HostError('No.')
    if (this.clock === 'obeys') this.look = { ...this.look, clockAheadMs: 0 }
  }

  full(percent: number, mountpoint = '/') {
    this.look = {
      agent: 'answering',
      fullestDisk: { mountpoint, usedBytes: percent * 100, totalBytes: 10_000 },
    }
    return this.review()
  }
}

const told = ({ problems, happenings }: GuestReview) => [...problems, ...happenings.map(({ type }) => type)]

test('it looks once a minute, and at once when the guest has started again', async () => {
  const guest = new Guest()
  for (let round = 0; round < 13; round++) await guest.review(5)
  expect(guest.looks).toBe(2)
  guest.row.boot_id = 'boot-2'
  await guest.review(5)
  expect(guest.looks).toBe(3)
})

test('a disk that fills up is told once, does not flap, and is told again when it has room', async () => {
  const guest = new Guest()
  expect(told(await guest.full(94))).toEqual([])
  expect(told(await guest.full(97))).toEqual(['its disk is 97 % full.', 'disk-full'])
  for (const percent of [98, 96, 97])
    expect(told(await guest.full(percent))).toEqual(['its disk is 97 % full.'])
  expect(told(await guest.full(100))).toEqual(['its disk is 100 % full.'])
  expect(told(await guest.full(91))).toEqual(['its disk is 91 % full.'])
  guest.look = { agent: 'silent' }
  expect(told(await guest.review())).toEqual(['its disk is 91 % full.'])
  expect(told(await guest.full(89))).toEqual(['disk-freed'])
  expect(told(await guest.full(95, '/data'))).toEqual(['its disk is 95 % full at /data.', 'disk-full'])
})

test('what an earlier life of the server told of a disk is no news', async () => {
  const guest = new Guest()
  guest.row.reason = 'Running, but its disk is 97 % full at /data.'
  expect(told(await guest.full(96, '/data'))).toEqual(['its disk is 97 % full at /data.'])
})

test('a clock that lost time is set, closely at the start of the guest, and told when it shows', async () => {
  const guest = new Guest()
  guest.look = { agent: 'answering', clockAheadMs: -600 }
  expect(told(await guest.review())).toEqual([])
  expect(guest.sets).toBe(1)
  guest.look = { agent: 'answering', clockAheadMs: -600 }
  await guest.review()
  expect(guest.sets, 'what it loses later is set when it matters').toBe(1)
  guest.look = { agent: 'answering', clockAheadMs: -312_400 }
  expect((await guest.review()).happenings).toEqual([
    { type: 'clock-set', message: "The guest's clock was 312 seconds behind; it was set." },
  ])
  expect(told(await guest.review())).toEqual([])
  expect(guest.sets).toBe(2)
})

test('a clock that somebody in the guest keeps as it is, is left alone, until it loses time', async () => {
  const guest = new Guest()
  guest.clock = 'returns'
  guest.look = { agent: 'answering', clockAheadMs: 3_600_000 }
  for (let round = 0; round < 5; round++) await guest.review()
  expect(guest.sets).toBe(1)
  guest.look = { agent: 'answering', clockAheadMs: 3_500_000 }
  await guest.review()
  expect(guest.sets).toBe(2)
})

test('a clock that cannot be set is told', async () => {
  const guest = new Guest()
  guest.clock = 'refuses'
  guest.look = { agent: 'answering', clockAheadMs: -60_000 }
  expect(told(await guest.review())).toEqual(['its clock is 60 seconds behind and cannot be set.'])
  expect(told(await guest.review(5))).toEqual(['its clock is 60 seconds behind and cannot be set.'])
})
