import type { Gate } from './gate.ts'

/** What the relay process does for one forward. */
export interface RelayService {
  /** Whether somebody is connected. */
  readonly busy: boolean
  /** Applies from now on, also to who is connected already. */
  setGate(gate: Gate | null): void
  /** Lets nobody in any more; who is connected stays. */
  stopListening(): void
  /** Ends everything. */
  close(): void
}
