import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from './error-code.ts'
import { fullDisk } from './full-disk.ts'

/** Runs `task`; an error of the operating system, such as a full disk, becomes a HostError. */
export async function asHostErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw hostFailure(error)
  }
}

/** The HostError for a failed call of the operating system; any other error as it is. */
export function hostFailure(error: unknown): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') return fullDisk(message, error)
  return descriptorsGone(error) ?? new HostError(`The host refused: ${message}.`, { cause: error })
}

/** The HostError for a call that failed for want of file descriptors; undefined for any other error. */
export function descriptorsGone(error: unknown): HostError | undefined {
  if (!['EMFILE', 'ENFILE'].includes(errorCode(error) ?? '')) return undefined
  return new HostError('The server has no file descriptors left. Allow it more (LimitNOFILE=, ulimit -n).', {
    cause: error,
  })
}
