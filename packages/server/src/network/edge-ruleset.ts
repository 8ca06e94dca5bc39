import type { AddressSet } from './address-set.ts'
import { TRANSIT_NETWORK, UPLINK_DEVICE } from './bridge-uplink.ts'
import { closingRule } from './closed-networks.ts'
import { guardChain, translationChain } from './nft-chains.ts'
import {
  ACCEPT,
  add,
  ct,
  differ,
  DROP,
  equal,
  field,
  goTo,
  INET,
  lookUpAddress,
  meta,
  rule,
  state,
  TABLE,
  type NftDocument,
  type NftObject,
} from './nft-json.ts'
import { REFUSE, refusalRules } from './policy-rules.ts'

/** The maps of the forwards: nft's own syntax has no maps called tcp or udp. */
const FORWARDS = { tcp: 'forwards-tcp', udp: 'forwards-udp' } as const

const TRANSIT: NftObject = { prefix: { addr: TRANSIT_NETWORK.address, len: TRANSIT_NETWORK.prefix } }
const FROM_PROJECT = equal(meta('iifname'), 'p-*')
const TO_PROJECT = equal(meta('oifname'), 'p-*')
const FROM_UPLINK = equal(meta('iifname'), UPLINK_DEVICE)
const TO_UPLINK = equal(meta('oifname'), UPLINK_DEVICE)

export interface EdgeSettings {
  readonly edgeAddress: string
  readonly guestEgress: boolean
  /** What guests may not reach, see closedNetworks. */
  readonly closed: AddressSet
}

/**
 * Compiles the edge router's rules. It admits what a project's own rules decide on (packets to a public address,
 * which is routed to one project, or to a forward of the edge address, which is translated to a project's transit
 * address), the answers, and, where guests may go out, what they send to public networks. Which forwards there
 * are stands in the maps `forwards-tcp` and `forwards-udp`: external port to transit address; loading this leaves them as they are.
 *
 * Nothing reaches the router itself but pings. A project's packets can only come from its transit address and its
 * guests' public addresses: the kernel drops others by the reverse path.
 */
export function compileEdgeRuleset({ edgeAddress, guestEgress, closed }: EdgeSettings): NftDocument {
  const toEdge = (protocol: 'tcp' | 'udp') =>
    rule(INET, 'arrive', [
      equal(field('ip', 'daddr'), edgeAddress),
      { dnat: { family: 'ip', addr: lookUpAddress(field(protocol, 'dport'), FORWARDS[protocol]) } },
    ])
  const translated = { match: { op: 'in', left: ct('status'), right: 'dnat' } }
  const comesIn = guestEgress ? [] : [FROM_UPLINK]
  return {
    nftables: [
      add({ table: { family: INET.family, name: TABLE } }),
      ...Object.values(FORWARDS).map((name) =>
        add({ map: { ...INET, name, type: 'inet_service', map: 'ipv4_addr' } }),
      ),
      ...refusalRules(),
      ...guardChain(INET, 'input', 'input', 0),
      rule(INET, 'input', [state('established', 'related'), ACCEPT]),
      rule(INET, 'input', [equal(field('icmp', 'type'), 'echo-request'), ACCEPT]),
      ...guardChain(INET, 'forward', 'forward', 0),
      rule(INET, 'forward', [state('invalid'), DROP]),
      rule(INET, 'forward', [state('related'), ACCEPT]),
      rule(INET, 'forward', [equal(ct('direction'), 'reply'), ACCEPT]),
      rule(INET, 'forward', [
        ...comesIn,
        TO_PROJECT,
        equal(field('ip', 'daddr'), TRANSIT),
        translated,
        ACCEPT,
      ]),
      rule(INET, 'forward', [...comesIn, TO_PROJECT, differ(field('ip', 'daddr'), TRANSIT), ACCEPT]),
      ...(guestEgress
        ? [
            closingRule('forward', FROM_PROJECT, closed),
            rule(INET, 'forward', [FROM_PROJECT, TO_UPLINK, ACCEPT]),
          ]
        : []),
      rule(INET, 'forward', [goTo(REFUSE)]),
      ...translationChain(INET, 'arrive', 'prerouting'),
      toEdge('tcp'),
      toEdge('udp'),
      ...translationChain(INET, 'leave', 'postrouting'),
      rule(INET, 'leave', [
        equal(field('ip', 'saddr'), TRANSIT),
        { snat: { family: 'ip', addr: edgeAddress } },
      ]),
    ],
  }
}

/** The way from one project's forwards in the router's maps to those that it should have. */
export function compileEdgeForwards(
  transitAddress: string,
  present: readonly EdgeForward[],
  wanted: readonly string[],
): NftDocument {
  const keep = new Set(wanted)
  const own = present.filter(({ leadsTo }) => leadsTo === transitAddress).map(({ key }) => key)
  const gone = present.filter(({ key, leadsTo }) =>
    keep.has(key) ? leadsTo !== transitAddress : leadsTo === transitAddress,
  )
  const come = wanted.filter((key) => !own.includes(key))
  const element = (key: string, address: string) => {
    const [protocol, port] = key.split(' ')
    return { element: { ...INET, name: `forwards-${protocol}`, elem: [[Number(port), address]] } }
  }
  return {
    nftables: [
      ...gone.map(({ key, leadsTo }) => ({ delete: element(key, leadsTo) })),
      ...come.map((key) => add(element(key, transitAddress))),
    ],
  }
}

/** A port of the edge address, such as `tcp 30001`, and the transit address that it leads to. */
export interface EdgeForward {
  readonly key: string
  readonly leadsTo: string
}

/** Reads the forwards from what nft lists of the edge router. */
export function readEdgeForwards(objects: readonly NftObject[]): EdgeForward[] {
  return objects.flatMap(({ map: object }) => {
    const { name, elem = [] } = (object ?? {}) as { name?: string; elem?: [number, string][] }
    const [protocol] = Object.entries(FORWARDS).find(([, map]) => map === name) ?? []
    return protocol === undefined
      ? []
      : elem.map(([port, leadsTo]) => ({ key: `${protocol} ${port}`, leadsTo }))
  })
}
