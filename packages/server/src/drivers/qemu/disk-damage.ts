import { HostError } from '@berth/contract/host/host-error'

/** A disk that QEMU cannot use as it is, with what an operator can do about it. */
export function damagedDisk(path: string, why: string): HostError {
  return new HostError(
    `The disk ${path} is damaged: ${why}. Put a copy of it in its place, or try qemu-img check -r all on it, ` +
      'and publish again; or delete the instance, and its data with it.',
    { retryable: false },
  )
}

/** A disk that was made and is not there any more, as when its file system is not mounted; it may come back. */
export function lostDisk(path: string): HostError {
  return new HostError(
    `The disk ${path} is gone. Mount what holds it or put a copy of it in its place, and publish again; ` +
      'or delete the instance, and its data with it.',
  )
}

/** What QEMU and qemu-img say (block.c, block/qcow2.c) of a disk that is damaged, or stands on a file that has gone. */
const CORRUPT = /Image is corrupt|not in qcow2 format|Could not (read|open) (L1|refcount|qcow2 header)/
const NO_BASE = /Could not open backing file: (Could not open '([^']+)')?/

/** A clearer error for a complaint about the disk at `path`; null when the complaint is about something else. */
export function diskComplaint(path: string, complaint: string): HostError | null {
  const base = NO_BASE.exec(complaint)
  if (base) {
    return new HostError(
      `The disk ${path} stands on ${base[2] ?? 'an image'}, which cannot be opened. Put that file back and publish ` +
        'again; or delete the instance, and its data with it.',
      { retryable: false },
    )
  }
  return CORRUPT.test(complaint) ? damagedDisk(path, 'QEMU calls it corrupt') : null
}
