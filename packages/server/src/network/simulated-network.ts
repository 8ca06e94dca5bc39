import { createHash } from 'node:crypto'
import type { CensusEntry } from '@berth/contract/host/census'
import type { NetworkDifference } from './network-difference.ts'
import {
  PlaceTakenError,
  type Forward,
  type NetworkDriver,
  type OpenForward,
  type RuleCounter,
} from './network-driver.ts'

/** A network without a host: nothing is made, and a place is refused only to a second forward; forwards are remembered while it lives. */
export class SimulatedNetwork implements NetworkDriver {
  readonly name = 'simulated'
  readonly #forwards = new Map<string, OpenForward>()

  async prepare(): Promise<void> {}

  namespaceOf(_networkKey: string): null {
    return null
  }

  async ensureProject(): Promise<void> {}

  async removeProject(): Promise<void> {}

  async ensurePort(): Promise<void> {}

  async portDifferences(): Promise<NetworkDifference[]> {
    return []
  }

  async carriesGuest(): Promise<boolean> {
    return true
  }

  async answersArp(): Promise<boolean> {
    return true
  }

  async ruleCounters(): Promise<RuleCounter[]> {
    return []
  }

  async removePort(): Promise<void> {}

  /**
   * Answers the wanted place. Without a wanted port it is one of 20000 to 29999, always the same for one id;
   * nothing listens there.
   */
  async ensureForward({ gate: _gate, ...forward }: Forward): Promise<{ address: string; port: number }> {
    const { address } = forward.listen
    const number = createHash('sha256').update(forward.id).digest().readUInt32BE(0)
    const port = forward.listen.port === 0 ? 20_000 + (number % 10_000) : forward.listen.port
    const holder = [...this.#forwards.values()].find(
      ({ id, listen }) => id !== forward.id && listen.address === address && listen.port === port,
    )
    if (holder) throw new PlaceTakenError(`${address}:${port} is in use by another forward.`)
    this.#forwards.set(forward.id, { ...forward, listen: { address, port } })
    return { address, port }
  }

  async greetingAt(): Promise<string> {
    return 'SSH-2.0-simulated'
  }

  async removeForward(id: string): Promise<void> {
    this.#forwards.delete(id)
  }

  async forwardsOf(instanceId: string): Promise<OpenForward[]> {
    return [...this.#forwards.values()].filter(({ id }) => id.startsWith(`${instanceId}/`))
  }

  async census(): Promise<CensusEntry[]> {
    return []
  }

  async shutdownIdle(): Promise<void> {}
}
