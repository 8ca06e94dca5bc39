import { HostError } from './host-error.ts'

/** A guest's agent cannot be asked: what only it can do waits until it can, and nothing else need wait with it. */
export class AgentUnavailable extends HostError {
  /** Whether nothing in the guest listens, as where none is installed; otherwise what listens does not answer. */
  readonly isAbsent: boolean

  constructor(isAbsent: boolean, cause?: unknown) {
    super(isAbsent ? 'No guest agent runs in it.' : 'The guest agent does not answer.', { cause })
    this.isAbsent = isAbsent
  }
}
