import { HostError } from '@berth/contract/host/host-error'
import type { GuestDisk, GuestLook } from '../drivers/machine-driver.ts'
import { SECOND } from '../store/clock.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Host } from './host.ts'
import type { Happening } from './instance-writes.ts'

const SECONDS_BETWEEN_LOOKS = 60
/** Of a disk, in per cent: told from here on, until there is as much space again as makes it worth telling. */
const FULL_PERCENT = 95
const ROOMY_PERCENT = 90
/** A guest reads its clock at its start from one that knows whole seconds only. */
const CLOCK_OFF_AT_START_MS = 200
/** Later it is left to itself for as long as it does not matter. */
const CLOCK_OFF_MS = 1000
/** From here on it shows in what the guest writes down, and is told. */
const CLOCK_TOLD_MS = 2000

/** What is known of a running guest from the last look inside it. */
export interface GuestReview {
  /** Microseconds since 1970. */
  readonly lookedAt: number
  /** In which boot of the guest; null where that was not known. */
  readonly bootId: string | null
  readonly agent: GuestLook['agent']
  /** What is the matter, each a half sentence that ends in a full stop. */
  readonly problems: readonly string[]
  /** The disk that was told to be full; null while none is. */
  readonly fullDisk: FullDisk | null
  /** By how much the clock was off when it was last set, in milliseconds; null where it was right. */
  readonly clockSetMs: number | null
  readonly happenings: readonly Happening[]
}

interface FullDisk {
  readonly percent: number
  readonly mountpoint: string
}

type Row = Pick<ComputeInstanceRow, 'id' | 'boot_id' | 'reason'>

/**
 * Looks inside a running guest, once a minute and at each start of it, and sets its clock where that is off.
 * @param before what this process found the last time
 * @returns `before` without its happenings, when it is not time
 */
export async function reviewGuest(
  host: Host,
  row: Row,
  before: GuestReview | undefined,
  now: number,
): Promise<GuestReview> {
  const isKnownBoot = before !== undefined && before.bootId === row.boot_id
  if (isKnownBoot && now - before.lookedAt < SECONDS_BETWEEN_LOOKS * SECOND)
    return { ...before, happenings: [] }
  const look = await host.driver.lookInside(row.id)
  const told = before === undefined ? fullDiskIn(row.reason) : before.fullDisk
  const fullDisk = fullDiskOf(look, told)
  const clock = await reviewClock(host, row.id, look, isKnownBoot ? before.clockSetMs : undefined)
  return {
    lookedAt: now,
    bootId: row.boot_id,
    agent: look.agent,
    problems: [...(fullDisk === null ? [] : [sentence('its disk', fullDisk)]), ...clock.problems],
    fullDisk,
    clockSetMs: clock.setMs,
    happenings: [...diskHappening(told, fullDisk), ...clock.happenings],
  }
}

/** A full disk stays one until it has room again, and what is told of it changes in steps, or it would never rest. */
function fullDiskOf({ agent, fullestDisk }: GuestLook, told: FullDisk | null): FullDisk | null {
  if (fullestDisk === undefined) return agent === 'silent' ? told : null
  const percent = percentOf(fullestDisk)
  const { mountpoint } = fullestDisk
  if (percent < (told === null ? FULL_PERCENT : ROOMY_PERCENT)) return null
  const isSame = told?.mountpoint === mountpoint && Math.abs(told.percent - percent) < 2
  return isSame && percent < 100 ? told : { percent, mountpoint }
}

function percentOf({ usedBytes, totalBytes }: GuestDisk): number {
  return Math.floor((usedBytes / totalBytes) * 100)
}

function sentence(subject: string, { percent, mountpoint }: FullDisk): string {
  return `${subject} is ${percent} % full${mountpoint === '/' ? '' : ` at ${mountpoint}`}.`
}

/** What an earlier life of the server told. */
function fullDiskIn(reason: string): FullDisk | null {
  const [, percent, mountpoint] = /its disk is (\d{1,3}) % full(?: at (\/[^ ]{0,99}))?\./.exec(reason) ?? []
  return percent === undefined ? null : { percent: Number(percent), mountpoint: mountpoint ?? '/' }
}

function diskHappening(told: FullDisk | null, now: FullDisk | null): Happening[] {
  if ((told === null) === (now === null)) return []
  if (now !== null) return [{ type: 'disk-full', message: sentence('The disk of the guest', now) }]
  return [{ type: 'disk-freed', message: 'The disk of the guest has room again.' }]
}

/**
 * Sets a clock that is off, as after its process or its host was suspended. One that is off again by just what it was
 * set by is kept so by somebody in the guest, and left alone.
 * @param setMs as in the last review of this boot; undefined at its first
 */
async function reviewClock(
  host: Host,
  id: string,
  { clockAheadMs: off }: GuestLook,
  setMs: number | null | undefined,
): Promise<Pick<GuestReview, 'happenings' | 'problems'> & { setMs: number | null }> {
  const limit = setMs === undefined ? CLOCK_OFF_AT_START_MS : CLOCK_OFF_MS
  if (off === undefined) return { setMs: setMs ?? null, problems: [], happenings: [] }
  if (Math.abs(off) < limit) return { setMs: null, problems: [], happenings: [] }
  if (typeof setMs === 'number' && Math.abs(off - setMs) < CLOCK_OFF_MS)
    return { setMs, problems: [], happenings: [] }
  const seconds = Math.round(Math.abs(off) / 1000)
  const amount = `${seconds} ${seconds === 1 ? 'second' : 'seconds'} ${off < 0 ? 'behind' : 'ahead'}`
  const isTold = Math.abs(off) >= CLOCK_TOLD_MS
  try {
    await host.driver.setClock(id)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const problems = isTold ? [`its clock is ${amount} and cannot be set.`] : []
    return { setMs: null, problems, happenings: [] }
  }
  const message = `The guest's clock was ${amount}; it was set.`
  return { setMs: off, problems: [], happenings: isTold ? [{ type: 'clock-set', message }] : [] }
}
