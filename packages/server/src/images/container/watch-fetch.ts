import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import type { ProgressReporter } from '../progress.ts'

const POLL_MS = 1000
/** Bytes that a fetch leaves free: the disks of running guests grow on the same host. */
const SPARE_BYTES = 2 ** 30
/** Minutes without a byte after which a registry counts as gone. */
const STALL_MINUTES = 15

/** What is being fetched, from where, to where. */
export interface Transfer {
  readonly reference: string
  readonly registry: string
  /** Where layers lie on their way, packed. */
  readonly blobs: string
  /** Bytes of all of them. */
  readonly total: number
}

/**
 * Does a part of a fetch while the host's disk is looked at every second.
 * @param work gets a signal that is aborted when the disk is nearly full or `look` finds a reason to give up
 * @param look is called every second
 * @throws HostError when it was given up
 */
export async function watchDisk<Result>(
  directory: string,
  reference: string,
  work: (signal: AbortSignal) => Promise<Result>,
  look: () => Promise<void> = async () => {},
): Promise<Result> {
  const stop = new AbortController()
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    const looks = async () => {
      await requireRoom(directory, reference, 0)
      await look()
    }
    void looks()
      .catch((error: unknown) => stop.abort(error))
      .finally(() => (looking = false))
  }, POLL_MS)
  try {
    return await work(stop.signal)
  } finally {
    clearInterval(timer)
  }
}

/** The same while layers are sent: tells how far that is, and gives up on a registry that has gone silent. */
export async function watchTransfer<Result>(
  { reference, registry, blobs, total }: Transfer,
  progress: ProgressReporter,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  let last = { bytes: 0, at: performance.now() }
  const tell = (bytes: number) =>
    progress.report(
      'fetch',
      (0.6 * bytes) / Math.max(total, 1),
      `Fetching ${reference}: ${mib(bytes)} of ${mib(total)} MiB.`,
    )
  tell(0)
  return watchDisk(blobs, reference, work, async () => {
    const bytes = await sizeBelow(blobs)
    // Layers that were unpacked may go before the others are here.
    if (bytes !== last.bytes) last = { bytes, at: performance.now() }
    if (bytes >= total) return progress.report('unpack', 0.6, `Unpacking ${reference}: ${mib(total)} MiB.`)
    tell(bytes)
    if (performance.now() - last.at < STALL_MINUTES * 60_000) return
    throw new HostError(
      `The registry ${registry} has sent nothing of ${reference} for ${STALL_MINUTES} minutes; ` +
        `${mib(bytes)} of ${mib(total)} MiB are here.`,
    )
  })
}

/** @throws HostError with the figures when a directory's file system has no room for `bytes` more */
export async function requireRoom(directory: string, reference: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (free >= bytes + SPARE_BYTES) return
  throw new HostError(
    `The image "${reference}" finds no room in the image cache: ${mib(free)} MiB are free, and it takes at least ` +
      `${mib(bytes)} MiB besides the ${mib(SPARE_BYTES)} MiB that stay free. The operator can make room.`,
    { remedy: 'berth image prune-containers' },
  )
}

/** Bytes in MiB, for a person. */
export function mib(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20)
}

async function sizeBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
