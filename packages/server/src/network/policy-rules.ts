import { createHash } from 'node:crypto'
import { addressText, type AddressSet } from './address-set.ts'
import type { Transit } from './bridge-uplink.ts'
import type { GuestPolicy, PolicyRule, RoutedForward, RoutedWays, ServiceMatch } from './guest-policy.ts'
import {
  ACCEPT,
  add,
  ANSWERING_PORT,
  asked,
  COUNTER,
  ct,
  differ,
  DROP,
  equal,
  goTo,
  INET,
  meta,
  rule,
  state,
  type NftObject,
} from './nft-json.ts'

/** Where packets go that no rule lets pass. */
export const REFUSE = 'refuse'

/**
 * The chain that refuses. A new connection is met with silence. One that was open under earlier rules is
 * ended: the reset goes to whichever side spoke, and the kernel forgets the connection.
 */
export function refusalRules(): NftObject[] {
  const chain = { ...INET, name: REFUSE }
  return [
    add({ chain }),
    { flush: { chain } },
    rule(INET, REFUSE, [
      equal(meta('l4proto'), 'tcp'),
      state('established'),
      { reject: { type: 'tcp reset' } },
    ]),
    rule(INET, REFUSE, [DROP]),
  ]
}

/**
 * The rules of the chain of the guest at an address. They look at a connection's first packet, whichever way
 * the packet at hand goes, so every packet of a connection gets the verdict that its first one would get now:
 * nothing outlives the rules that admitted it. A connection that they admit carries their mark, which later
 * packets are admitted by at once; other rules have another mark.
 * @param transit the project's way out; null where packets are not routed in from beyond the host
 */
export function policyRules(
  chain: string,
  { instanceId, address }: { readonly instanceId: string; readonly address: string },
  policy: GuestPolicy,
  transit: Transit | null,
): NftObject[] {
  const mark = policyMark(instanceId, policy)
  const pass = [COUNTER, { mangle: { key: ct('mark'), value: mark } }, ACCEPT]
  return [
    rule(INET, chain, [equal(ct('mark'), mark), ACCEPT]),
    ...(transit === null ? [] : wayRules(chain, address, policy.ways, transit)),
    ...policy.rules.flatMap((each) => rulesOf(chain, each, pass)),
    ...(transit === null
      ? []
      : policy.ways.forwards.map((forward) => forwardRule(chain, forward, transit, pass))),
    rule(INET, chain, [COUNTER, goTo(REFUSE)], DEFAULT_LABEL),
  ]
}

/** What the rule is called that admits whom a forward admits. */
function forwardLabel({ protocol, internalPort }: RoutedForward): string {
  return `forward ${protocol} ${internalPort}`
}

/** Ends connections that came by a public address or a forward which the guest has no more, whatever the rules. */
function wayRules(
  chain: string,
  address: string,
  { publicAddress, forwards }: RoutedWays,
  transit: Transit,
): NftObject[] {
  const own = [address, transit.address, ...(publicAddress === null ? [] : [publicAddress])]
  const atTransit = equal(asked('ip daddr'), transit.address)
  return [
    rule(INET, chain, [differ(asked('ip daddr'), { set: own }), goTo(REFUSE)]),
    ...(['tcp', 'udp'] as const).map((protocol) => {
      const ports = forwards.filter((forward) => forward.protocol === protocol).map(({ port }) => port)
      const others = ports.length === 0 ? [] : [differ(asked('proto-dst'), { set: ports })]
      return rule(INET, chain, [equal(meta('l4proto'), protocol), atTransit, ...others, goTo(REFUSE)])
    }),
  ]
}

function forwardRule(
  chain: string,
  forward: RoutedForward,
  transit: Transit,
  pass: readonly NftObject[],
): NftObject {
  const { protocol, port, from } = forward
  const cameBy = [
    equal(meta('l4proto'), protocol),
    equal(asked('ip daddr'), transit.address),
    equal(asked('proto-dst'), port),
  ]
  return rule(INET, chain, [...sourceMatch(from), ...cameBy, ...pass], forwardLabel(forward))
}

/** What the rule that drops the rest is called. */
const DEFAULT_LABEL = 'default'

/** What the relay may open to the guest. */
export function relayedRules(chain: string, gateway: string, { relayed }: GuestPolicy): NftObject[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) =>
    relayed[protocol].length === 0
      ? []
      : [
          rule(INET, chain, [
            equal({ payload: { protocol: 'ip', field: 'saddr' } }, gateway),
            equal({ payload: { protocol, field: 'dport' } }, oneOf(relayed[protocol])),
            state('new'),
            ACCEPT,
          ]),
        ],
  )
}

/** Whether the kernel has rules of the policy in the chain, from what nft lists; they may have been damaged since. */
export function carriesPolicy(
  objects: readonly NftObject[],
  chain: string,
  instanceId: string,
  policy: GuestPolicy,
): boolean {
  const match = JSON.stringify(equal(ct('mark'), policyMark(instanceId, policy)))
  return objects.some(({ rule: object }) => {
    const { chain: name, expr = [] } = (object ?? {}) as { chain?: string; expr?: readonly unknown[] }
    return name === chain && JSON.stringify(expr[0]) === match
  })
}

/** Names a guest's rules in 32 bits, never 0, which is the mark of connections that have none. */
function policyMark(instanceId: string, policy: GuestPolicy): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([instanceId, policy]))
    .digest()
  return digest.readUInt32BE(0) || 1
}

function rulesOf(
  chain: string,
  { label, action, from, services }: PolicyRule,
  pass: NftObject[],
): NftObject[] {
  const verdict = action === 'allow' ? pass : [COUNTER, goTo(REFUSE)]
  return services.map((service) =>
    rule(INET, chain, [...sourceMatch(from), ...serviceMatch(service), ...verdict], label),
  )
}

function sourceMatch(from: AddressSet): NftObject[] {
  const [only] = from
  if (from.length === 1 && only?.[0] === 0 && only[1] === 2 ** 32 - 1) return []
  const elements = from.map(([first, last]) =>
    first === last ? addressText(first) : { range: [addressText(first), addressText(last)] },
  )
  return [equal(asked('ip saddr'), { set: elements })]
}

function serviceMatch({ protocol, ports }: ServiceMatch): NftObject[] {
  if (protocol === 'any') return []
  const isProtocol = equal(meta('l4proto'), protocol)
  return ports.length === 0 ? [isProtocol] : [isProtocol, equal(ANSWERING_PORT, oneOf(ports))]
}

function oneOf(ports: readonly number[]): NftObject | number {
  const [only] = ports
  return ports.length === 1 && only !== undefined ? only : { set: [...ports] }
}
