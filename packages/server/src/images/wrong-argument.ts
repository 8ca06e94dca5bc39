import { HostError } from '@berth/contract/host/host-error'

/** An argument that could never be taken, whatever the host holds: a wrong call. */
export class WrongArgument extends HostError {
  constructor(message: string) {
    super(message, { retryable: false })
  }
}
