import { createHash } from 'node:crypto'
import { addressText, type AddressSet } from './address-set.ts'
import type { GuestPolicy, PolicyRule, ServiceMatch } from './guest-policy.ts'
import {
  ACCEPT,
  add,
  COUNTER,
  ct,
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
const REFUSE = 'refuse'

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
 * The rules of one guest's chain. They look at a connection's first packet, whichever way the packet at
 * hand goes, so every packet of a connection gets the verdict that its first one would get now: nothing
 * outlives the rules that admitted it. A connection that they admit carries their mark, which later
 * packets are admitted by at once; other rules have another mark.
 */
export function policyRules(chain: string, instanceId: string, policy: GuestPolicy): NftObject[] {
  const mark = policyMark(instanceId, policy)
  const pass = [COUNTER, { mangle: { key: ct('mark'), value: mark } }, ACCEPT]
  return [
    rule(INET, chain, [equal(ct('mark'), mark), ACCEPT]),
    ...policy.rules.flatMap((each) => rulesOf(chain, each, pass)),
    rule(INET, chain, [COUNTER, goTo(REFUSE)], DEFAULT_LABEL),
  ]
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
  return [equal(ct('ip saddr'), { set: elements })]
}

function serviceMatch({ protocol, ports }: ServiceMatch): NftObject[] {
  if (protocol === 'any') return []
  const isProtocol = equal(meta('l4proto'), protocol)
  return ports.length === 0 ? [isProtocol] : [isProtocol, equal(ct('proto-dst'), oneOf(ports))]
}

function oneOf(ports: readonly number[]): NftObject | number {
  const [only] = ports
  return ports.length === 1 && only !== undefined ? only : { set: [...ports] }
}
