import { createHash } from 'node:crypto'
import type { CensusEntry } from '@berth/contract/host/census'
import type { Forward, NetworkDriver } from './network-driver.ts'

/** A network without a host: every call succeeds, nothing is made and nothing is remembered. */
export class SimulatedNetwork implements NetworkDriver {
  readonly name = 'simulated'

  async prepare(): Promise<void> {}

  namespaceOf(_networkKey: string): null {
    return null
  }

  async ensureProject(): Promise<void> {}

  async removeProject(): Promise<void> {}

  async ensurePort(): Promise<void> {}

  async removePort(): Promise<void> {}

  /** Answers 127.0.0.1 and a port of 20000 to 29999 that is always the same for one id; nothing listens there. */
  async ensureForward(forward: Forward): Promise<{ address: string; port: number }> {
    const number = createHash('sha256').update(forward.id).digest().readUInt32BE(0)
    return { address: '127.0.0.1', port: 20_000 + (number % 10_000) }
  }

  async removeForward(): Promise<void> {}

  async census(): Promise<CensusEntry[]> {
    return []
  }

  async shutdownIdle(): Promise<void> {}
}
