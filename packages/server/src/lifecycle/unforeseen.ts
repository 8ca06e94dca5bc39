import { HostError } from '@berth/contract/host/host-error'

/**
 * An error that nobody foresaw, as a user may read of it: what it says itself may hold anything, and goes to the log
 * alone. It is tried again like any other.
 */
class UnforeseenError extends HostError {
  constructor(cause: unknown) {
    super("Something went wrong in Berth itself; the server's log tells what (`step failed`).", { cause })
  }
}

export function asHostError(error: unknown): HostError {
  return error instanceof HostError ? error : new UnforeseenError(error)
}

/** What an outcome says of a failure: for the engine to log, where nobody foresaw it. */
export function faultOf(error: unknown): { fault: unknown } | object {
  return error instanceof UnforeseenError ? { fault: error.cause } : {}
}
