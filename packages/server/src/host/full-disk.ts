import { HostError } from '@berth/contract/host/host-error'

/** How programs say that a disk is full (strerror(3), ENOSPC). */
export const NO_SPACE = 'No space left on device'

/** The host's disk has no room left. @param complaint in whose words */
export function fullDisk(complaint: string, cause?: unknown): HostError {
  return new HostError(`The host's disk is full: ${complaint}. Its operator has to make room.`, {
    cause,
    remedy: 'free some space; berth image list shows builds that may go',
  })
}
