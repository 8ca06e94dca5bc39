/**
 * The host could not do what was asked. The message is one or two sentences that tenants read: what failed, and whose
 * turn it is; no command of the operator's and no path of the host belongs there. `remedy` is what the operator types
 * or does, for commands and the log. `retryable` false means that trying again without a change cannot help.
 */
export class HostError extends Error {
  readonly retryable: boolean
  readonly remedy: string | undefined

  constructor(message: string, options: { retryable?: boolean; cause?: unknown; remedy?: string } = {}) {
    super(message, { cause: options.cause })
    this.name = 'HostError'
    this.retryable = options.retryable ?? true
    this.remedy = options.remedy
  }
}
