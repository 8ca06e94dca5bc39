import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { BRIDGE, parseGateway } from './network-names.ts'

/** One command or object of nftables' JSON, see libnftables-json(5). */
export type NftObject = Readonly<Record<string, unknown>>

/** A whole transaction for `nft -j -f -`. */
export interface NftDocument {
  readonly nftables: readonly NftObject[]
}

/** The name of this product's tables. They live in the project's own namespace. */
const TABLE = 'berth'

const INET = { family: 'inet', table: TABLE }
const LINK = { family: 'bridge', table: TABLE }

/**
 * Compiles a project's firewall, and the part of it that belongs to the given ports. Loading it is one
 * transaction, so packets meet either the rules before or the rules after. What other ports have stays:
 * a port's rules live in chains of its own, found through a map keyed by tap (frames that leave the
 * guest) or by address (packets on their way to the guest), and a load replaces only the chains it names.
 *
 * - Frames from a guest must carry its MAC and its IPv4 address, in ARP as well. Anything but ARP and
 *   IPv4 is dropped (so no router advertisements), and so are answers of a DHCP server. A port without
 *   rules can send nothing.
 * - No frame goes from port to port: guests of one project reach each other only by way of the gateway.
 * - Packets towards guests are judged in postrouting, where both forwarded and locally made ones pass.
 *   The gateway may open SSH. Its address cannot be borrowed: guests' sources are pinned, and the kernel
 *   refuses packets that arrive with one of its own addresses as source.
 * - Guests may ping the gateway and reach nothing else on it.
 */
export function compileRuleset(network: ProjectNetwork, ports: readonly GuestPort[]): NftDocument {
  const gateway = parseGateway(network.gateway).address
  return { nftables: [...projectRules(), ...ports.flatMap((port) => portRules(gateway, port))] }
}

/** Compiles the transaction that takes away what `compileRuleset` made for one port, and nothing if it is gone. */
export function compilePortRemoval(port: GuestPort): NftDocument {
  const parts = portParts(port)
  return {
    nftables: [
      // Deleting what is not there fails the whole transaction: add first.
      ...containers(),
      ...parts.flatMap((part) => [add({ chain: part.chain }), add({ element: part.element })]),
      ...parts.flatMap((part) => [
        { delete: { element: part.element } },
        { flush: { chain: part.chain } },
        { delete: { chain: part.chain } },
      ]),
    ],
  }
}

function projectRules(): NftObject[] {
  return [
    ...containers(),
    ...baseChain(LINK, 'prerouting', 'prerouting', -300),
    rule(LINK, 'prerouting', [lookUp(meta('iifname'), 'ports')]),
    ...baseChain(LINK, 'forward', 'forward', -200),
    ...baseChain(INET, 'input', 'input', 0),
    rule(INET, 'input', [equal(meta('iifname'), 'lo'), ACCEPT]),
    rule(INET, 'input', [REPLIES, ACCEPT]),
    rule(INET, 'input', [
      equal(meta('iifname'), BRIDGE),
      equal(field('icmp', 'type'), 'echo-request'),
      ACCEPT,
    ]),
    ...baseChain(INET, 'postrouting', 'postrouting', 0),
    rule(INET, 'postrouting', [differ(meta('oifname'), BRIDGE), ACCEPT]),
    rule(INET, 'postrouting', [REPLIES, ACCEPT]),
    rule(INET, 'postrouting', [lookUp(field('ip', 'daddr'), 'guests')]),
  ]
}

function portRules(gateway: string, port: GuestPort): NftObject[] {
  const { mac, address } = port
  const [from, to] = portParts(port)
  const sends = (type: 'arp' | 'ip', ...rest: NftObject[]) =>
    rule(LINK, from.chain.name, [equal(field('ether', 'type'), type), ...rest])
  return [
    ...ownChain(from),
    rule(LINK, from.chain.name, [differ(field('ether', 'saddr'), mac), DROP]),
    sends('arp', equal(field('arp', 'saddr ether'), mac), equal(field('arp', 'saddr ip'), address), ACCEPT),
    sends('ip', differ(field('ip', 'saddr'), address), DROP),
    sends('ip', equal(field('udp', 'sport'), 67), DROP),
    sends('ip', ACCEPT),
    ...ownChain(to),
    rule(INET, to.chain.name, [
      equal(field('ip', 'saddr'), gateway),
      equal(field('tcp', 'dport'), 22),
      equal(ctState(), 'new'),
      ACCEPT,
    ]),
  ]
}

interface PortPart {
  readonly chain: { readonly family: string; readonly table: string; readonly name: string }
  readonly element: NftObject
}

/** A port's two chains, and the map elements that lead to them. */
function portParts(port: GuestPort): [from: PortPart, to: PortPart] {
  const part = (place: typeof LINK, map: string, key: string, name: string): PortPart => ({
    chain: { ...place, name },
    element: { ...place, name: map, elem: [[key, { jump: { target: name } }]] },
  })
  return [
    part(LINK, 'ports', port.tap, `from-${port.tap}`),
    part(INET, 'guests', port.address, `to-${port.address}`),
  ]
}

function containers(): NftObject[] {
  return [
    add({ table: { family: LINK.family, name: TABLE } }),
    add({ map: { ...LINK, name: 'ports', type: 'ifname', map: 'verdict' } }),
    add({ table: { family: INET.family, name: TABLE } }),
    add({ map: { ...INET, name: 'guests', type: 'ipv4_addr', map: 'verdict' } }),
  ]
}

function baseChain(place: typeof INET, name: string, hook: string, prio: number): NftObject[] {
  const chain = { ...place, name }
  return [add({ chain: { ...chain, type: 'filter', hook, prio, policy: 'drop' } }), { flush: { chain } }]
}

function ownChain(part: PortPart): NftObject[] {
  return [add({ chain: part.chain }), { flush: { chain: part.chain } }, add({ element: part.element })]
}

const ACCEPT: NftObject = { accept: null }
const DROP: NftObject = { drop: null }
const REPLIES: NftObject = { match: { op: 'in', left: ctState(), right: ['established', 'related'] } }

function add(object: NftObject): NftObject {
  return { add: object }
}

function rule(place: typeof INET, chain: string, expr: readonly NftObject[]): NftObject {
  return add({ rule: { ...place, chain, expr } })
}

function meta(key: string): NftObject {
  return { meta: { key } }
}

function ctState(): NftObject {
  return { ct: { key: 'state' } }
}

function field(protocol: string, name: string): NftObject {
  return { payload: { protocol, field: name } }
}

function equal(left: NftObject, right: string | number): NftObject {
  return { match: { op: '==', left, right } }
}

function differ(left: NftObject, right: string | number): NftObject {
  return { match: { op: '!=', left, right } }
}

function lookUp(key: NftObject, map: string): NftObject {
  return { vmap: { key, data: `@${map}` } }
}
