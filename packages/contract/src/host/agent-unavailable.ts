import { HostError } from './host-error.ts'

/**
 * Why an agent cannot be asked: nothing in the guest listens, as where none is installed; what listens does not answer;
 * or it answers that it may not do this, as distributions configure theirs.
 */
export type AgentState = 'absent' | 'silent' | 'refusing'

const MESSAGES: Readonly<Record<AgentState, string>> = {
  absent: 'No guest agent runs in it.',
  silent: 'The guest agent does not answer.',
  refusing: 'The guest agent is configured to refuse what this needs.',
}

/** A guest's agent cannot be asked: what only it can do waits until it can, and nothing else need wait with it. */
export class AgentUnavailable extends HostError {
  readonly state: AgentState

  constructor(state: AgentState, cause?: unknown) {
    super(MESSAGES[state], { cause })
    this.state = state
  }
}
