import { HostError } from '@berth/contract/host/host-error'

/** Runs `task`; an error of the operating system, such as a full disk, becomes a HostError. */
export async function asHostErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    const advice = code === 'ENOSPC' ? ' Free some space on the host.' : ''
    throw new HostError(`The host refused: ${message}.${advice}`, { cause: error })
  }
}
