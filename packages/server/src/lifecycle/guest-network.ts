import type { PortForward } from '@berth/contract/network-rules'
import {
  compileRules,
  forwardSources,
  gateFor,
  NO_ROUTED_WAYS,
  openPorts,
  type GuestPolicy,
  type RoutedWays,
  type Transport,
} from '../network/guest-policy.ts'
import type { Forward } from '../network/network-driver.ts'
import type { ForwardTarget } from '../store/external-ports.ts'
import type { PublishedSettings } from '../store/published-settings.ts'
import type { ExternalPortRow, PublicAddressRow } from '../store/schema.ts'
import type { Host } from './host.ts'
import type { NetworkPlan } from './network-plan.ts'

export const SSH_PORT = 22

/**
 * A public address on the loopback uplink is claimed by listening on this port, so that another installation
 * on the host cannot take the address. Nobody uses it: it was the multiplexer's of RFC 1078.
 */
const CLAIM_PORT = 1

type NetworkSettings = Pick<PublishedSettings, 'firewallRules' | 'portForwards' | 'publicIp'>

/** What an instance has been given to be reached at. */
export interface Places {
  readonly publicAddress: PublicAddressRow | undefined
  readonly externalPorts: readonly ExternalPortRow[]
}

/** A way in that an instance should have, and the row that says where. */
export interface WantedWay {
  readonly forward: Forward
  readonly at: { readonly publicAddress: PublicAddressRow } | { readonly externalPort: ExternalPortRow }
}

/** What may reach the guest: the user's rules in the kernel, and the relay for what it is to carry. */
export function policyOf(plan: NetworkPlan, settings: NetworkSettings, places: Places): GuestPolicy {
  const rules = compileRules(settings.firewallRules)
  if (plan.routed) {
    const relayed = { tcp: [SSH_PORT], udp: [] }
    return { rules, relayed, ways: routedWays(plan, settings, places) }
  }
  const open = settings.publicIp ? openPorts(rules) : { tcp: [], udp: [] }
  const ports = (protocol: Transport) => {
    const forwarded = forwardTargets(settings.portForwards)
      .filter((target) => target.protocol === protocol)
      .map(({ internalPort }) => internalPort)
    const own = protocol === 'tcp' ? [SSH_PORT] : []
    return [...new Set([...own, ...forwarded, ...open[protocol]])].toSorted((a, b) => a - b)
  }
  return { rules, relayed: { tcp: ports('tcp'), udp: ports('udp') }, ways: NO_ROUTED_WAYS }
}

/** How packets from the operator's network find the guest, at the places that the instance has. */
function routedWays(plan: NetworkPlan, settings: NetworkSettings, places: Places): RoutedWays {
  const { publicAddress, externalPorts } = places
  return {
    publicAddress: settings.publicIp && publicAddress ? plan.publicAddress(publicAddress.number) : null,
    forwards: forwardTargets(settings.portForwards).flatMap((target) => {
      const row = externalPorts.find((candidate) => rowLeadsTo(candidate, target))
      const from = forwardSources(settings.portForwards, target.protocol, target.internalPort)
      return row ? [{ ...target, port: row.port, from }] : []
    }),
  }
}

/** What the forwards lead to, each once. */
export function forwardTargets(forwards: readonly PortForward[]): ForwardTarget[] {
  const targets = forwards.map((forward) => ({
    protocol: forward.protocol ?? ('tcp' as const),
    internalPort: forward.internal_port,
  }))
  return targets.filter((target, index) => targets.findIndex((other) => sameTarget(other, target)) === index)
}

/**
 * The ways in that the relay is to open, at the places that the instance has; the operator's SSH is not one. Where
 * packets are routed to guests there are none.
 */
export function wantedWays(
  host: Host,
  owner: { readonly id: string; readonly networkKey: string; readonly guestAddress: string },
  settings: NetworkSettings,
  { publicAddress, externalPorts }: Places,
): WantedWay[] {
  if (host.plan.routed) return []
  const { id, networkKey, guestAddress } = owner
  const rules = compileRules(settings.firewallRules)
  const way = (
    name: string,
    listen: Forward['listen'],
    { protocol, internalPort }: ForwardTarget,
  ): Forward => ({
    id: `${id}/${name}-${protocol}-${internalPort}`,
    networkKey,
    protocol,
    listen,
    target: { address: guestAddress, port: internalPort },
    gate: gateFor(rules, protocol, internalPort, name === 'forward' ? settings.portForwards : []),
  })
  const forwards = forwardTargets(settings.portForwards).flatMap((target): WantedWay[] => {
    const externalPort = externalPorts.find((row) => rowLeadsTo(row, target))
    if (!externalPort) return []
    const listen = { address: host.plan.edgeAddress, port: externalPort.port }
    return [{ forward: way('forward', listen, target), at: { externalPort } }]
  })
  if (!settings.publicIp || !publicAddress) return forwards
  const address = host.plan.publicAddress(publicAddress.number)
  const claim: Forward = {
    id: publicClaimId(id),
    networkKey,
    protocol: 'tcp',
    listen: { address, port: CLAIM_PORT },
    target: null,
    gate: null,
  }
  const open = openPorts(rules)
  const targets = (['tcp', 'udp'] as const).flatMap((protocol) =>
    open[protocol]
      .filter((port) => protocol === 'udp' || port !== CLAIM_PORT)
      .map((internalPort): ForwardTarget => ({ protocol, internalPort })),
  )
  const ways = targets.map((target) => way('public', { address, port: target.internalPort }, target))
  return [...forwards, ...[claim, ...ways].map((forward) => ({ forward, at: { publicAddress } }))]
}

export function publicClaimId(instanceId: string): string {
  return `${instanceId}/public`
}

export function rowLeadsTo(row: ExternalPortRow, { protocol, internalPort }: ForwardTarget): boolean {
  return row.protocol === protocol && row.internal_port === internalPort
}

function sameTarget(one: ForwardTarget, other: ForwardTarget): boolean {
  return one.protocol === other.protocol && one.internalPort === other.internalPort
}
