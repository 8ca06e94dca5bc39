import { randomBytes } from 'node:crypto'
import type { FirewallRule } from '@berth/contract/network-rules'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { addressSet } from '../../packages/server/src/network/address-set.ts'
import {
  compileRules,
  type GuestPolicy,
  type RoutedForward,
} from '../../packages/server/src/network/guest-policy.ts'
import { NetworkBench } from './network-bench.ts'
import { OperatorNetwork } from './operator-network.ts'

/**
 * A network bench whose guests are reached over a bridge that stands for an operator's network, and may go out.
 * Guests `a` and `far`, of two projects with the same addresses, greet on TCP 8080 with whom they see; so do the
 * office and the neighbour on TCP 80, and the operator's own machine on TCP 7080.
 */
export class UplinkBench extends NetworkBench {
  readonly operator: OperatorNetwork
  /** The namespace of the installation's edge router. */
  readonly router: string

  constructor(operator = new OperatorNetwork(randomBytes(2).toString('hex'))) {
    super(operator.uplink(true))
    this.operator = operator
    this.router = `berth-${this.installId}-edge-router`
  }

  override async setUp(): Promise<void> {
    const { operator, a, far } = this
    await operator.start()
    await super.setUp()
    await operator.greet(a.namespace, 'a', 'tcp8080', 'udp53')
    await operator.greet(far.namespace, 'far', 'tcp8080')
    for (const place of [operator.office.namespace, operator.neighbour])
      await operator.greet(place, 'outside', 'tcp80', 'udp53')
    await operator.greet(operator.namespace, 'operator', 'tcp7080')
  }

  /** Whom the last packets came from is forgotten, as it is after a minute of silence: everybody has to ask again. */
  async forgetNeighbours(): Promise<void> {
    for (const namespace of [this.inOne, this.inTwo, this.router, this.operator.namespace])
      await runCommand('ip', ['-n', namespace, 'neighbour', 'flush', 'all'])
  }

  override async tearDown(): Promise<void> {
    await super.tearDown()
    const left = await this.network.census()
    await this.operator.stop()
    if (left.length > 0) throw new Error(`left on the host: ${JSON.stringify(left)}`)
  }
}

export const EVERYTHING: FirewallRule = { source_cidr: 'any', action: 'allow', application: 'any' }

/** What lets in what the rules say, at a public address and at ports of the edge address. */
export function routedPolicy({
  rules = [],
  publicAddress,
  forwards = [],
}: {
  readonly rules?: readonly FirewallRule[]
  readonly publicAddress?: string
  readonly forwards?: readonly RoutedForward[]
}): GuestPolicy {
  const ways = { publicAddress: publicAddress ?? null, forwards }
  return { rules: compileRules(rules), relayed: { tcp: [22], udp: [] }, ways }
}

/** A rule that allows a port, of tcp unless told. */
export function allowPort(source_cidr: string, port: number, more: Partial<FirewallRule> = {}): FirewallRule {
  return { source_cidr, action: 'allow', application: 'mine', port, ...more }
}

export function tcpForward(port: number, internalPort: number, from: string): RoutedForward {
  return { protocol: 'tcp', port, internalPort, from: addressSet([from]) }
}
