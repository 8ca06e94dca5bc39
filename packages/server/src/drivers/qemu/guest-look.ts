import type { GuestDisk, GuestLook } from '../machine-driver.ts'
import type { GuestAgentClient } from './guest-agent-client.ts'
import { guestText } from './guest-text.ts'
import { diskSlot } from './qemu-arguments.ts'

/** Milliseconds for each answer: whoever looks holds a worker. */
const answerMs = 1500

/** A reading that took longer, in milliseconds, says too little of a clock. */
const slowestReadingMs = 400

/** Longest mount point that is told, in characters. */
const maxMountpoint = 100

/** File systems for booting have the size that they need, and are not the user's to fill. */
const bootMountpoint = /^\/(?:boot|efi)(?:\/|$)/

/**
 * What the agent tells of its guest now. What it does not know, or refuses to tell, is left out, and what comes after
 * that too.
 */
export async function lookInside(agent: GuestAgentClient): Promise<Omit<GuestLook, 'agent'>> {
  const clockAheadMs = await readClock(agent).catch(() => undefined)
  const disks = await agent.execute('guest-get-fsinfo', {}, answerMs).catch(() => undefined)
  const fullestDisk = fullest(disks)
  return {
    ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
    ...(fullestDisk === undefined ? {} : { fullestDisk }),
  }
}

/** The guest's clock against the host's: what it says belongs to the middle of the time that asking took. */
async function readClock(agent: GuestAgentClient): Promise<number | undefined> {
  const asked = Date.now()
  const nanoseconds = Number(await agent.execute('guest-get-time', {}, answerMs))
  const answered = Date.now()
  if (!Number.isFinite(nanoseconds) || answered - asked > slowestReadingMs) return undefined
  return Math.round(nanoseconds / 1e6 - (asked + answered) / 2)
}

/**
 * The fullest file system on the machine's own disk, from the answer to `guest-get-fsinfo` (docs/interop/qemu-ga-ref):
 * others, such as one of container images, are full by nature. An agent that does not tell their disks tells of `/`.
 */
export function fullest(answer: unknown): GuestDisk | undefined {
  const all = (Array.isArray(answer) ? answer : []).flatMap((entry) => fileSystem(entry))
  return all
    .filter(({ disk: { mountpoint }, slots }) =>
      slots.length === 0 ? mountpoint === '/' : slots.includes(diskSlot) && !bootMountpoint.test(mountpoint),
    )
    .map(({ disk }) => disk)
    .toSorted((a, b) => b.usedBytes / b.totalBytes - a.usedBytes / a.totalBytes)[0]
}

function fileSystem(entry: unknown): { disk: GuestDisk; slots: unknown[] }[] {
  const { mountpoint, disk, 'used-bytes': used, 'total-bytes': total } = members(entry)
  if (typeof mountpoint !== 'string' || !isSize(used) || !isSize(total) || total === 0) return []
  const devices = (Array.isArray(disk) ? disk : []).map((device) => members(device))
  const slots = devices
    .filter((device) => device['bus-type'] === 'virtio')
    .map((device) => members(device['pci-controller'])['slot'])
  // The total is what others than root may use, so that root may use more.
  const usedBytes = Math.min(used, total)
  return [{ disk: { mountpoint: guestText(mountpoint, maxMountpoint), usedBytes, totalBytes: total }, slots }]
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
