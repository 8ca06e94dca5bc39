/**
 * The host could not do what was asked. The message is one or two sentences for a person: what failed,
 * and what to do next. `retryable` false means that trying again without a change cannot help.
 */
export class HostError extends Error {
  readonly retryable: boolean

  constructor(message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'HostError'
    this.retryable = options.retryable ?? true
  }
}
