import { HostError } from '@berth/contract/host/host-error'
import { fullDisk } from '../../host/full-disk.ts'

/** Runs `task`; an error of the operating system, such as a full disk, becomes a HostError. */
export async function asHostErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    if (code === 'ENOSPC' || code === 'EDQUOT') throw fullDisk(message, error)
    if (code === 'EMFILE' || code === 'ENFILE')
      throw new HostError(
        'The server has no file descriptors left. Allow it more (LimitNOFILE=, ulimit -n).',
        { cause: error },
      )
    throw new HostError(`The host refused: ${message}.`, { cause: error })
  }
}
