import { guardChain, ownChain, portPart, type PortPart } from './nft-chains.ts'
import { UPLINK_DEVICE, type Transit } from './bridge-uplink.ts'
import type { GuestPolicy } from './guest-policy.ts'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { BRIDGE, parseGateway } from './network-names.ts'
import {
  ACCEPT,
  add,
  COUNTER,
  ct,
  differ,
  DROP,
  equal,
  field,
  INET,
  jumpTo,
  LINK,
  lookUp,
  meta,
  rule,
  state,
  TABLE,
  type NftDocument,
  type NftObject,
} from './nft-json.ts'
import { policyRules, refusalRules, relayedRules } from './policy-rules.ts'
import {
  portTranslation,
  sourcePart,
  translationMaps,
  translationRules,
  TRANSLATION_HOOKS,
  viaChain,
  wantedWays,
  wayChanges,
  type WayTable,
} from './translation-rules.ts'

/** A guest's place on the network together with what may reach it there. */
export interface GuardedPort extends GuestPort {
  readonly policy: GuestPolicy
}

/**
 * Compiles a project's firewall, and the part of it that belongs to the given ports. Loading it is one
 * transaction, so packets meet either the rules before or the rules after. What other ports have stays:
 * a port's rules live in chains of its own, found through a map keyed by tap (frames that leave the
 * guest) or by address (packets on their way to the guest), and a load replaces only the chains it names.
 *
 * - Frames from a guest must carry its MAC and its IPv4 address, in ARP as well. Anything but ARP and
 *   IPv4 is dropped (so no router advertisements), and so are answers of a DHCP server and packets for
 *   link-local addresses, where clouds keep their metadata services. A port without rules can send nothing.
 * - No frame goes from port to port: guests of one project reach each other only by way of the gateway.
 * - Packets to and from guests are judged where they are forwarded, and those that are made here where
 *   they leave: between them these see everything that reaches a guest. Answers within a connection meet
 *   the rules of the guest that was called, the others pass.
 * - The relay's connections come from the gateway's address. It cannot be borrowed: guests' sources are
 *   pinned, and the kernel refuses packets that arrive with one of its own addresses as source.
 * - Guests may ping the gateway and reach nothing else on it.
 *
 * Where packets are routed in and out, addresses are translated as translation-rules.ts tells; packets meet the
 * rules between the two translations, so with the client's own address and the guest's own.
 *
 * @param transit the project's way to the edge router; null where only the relay leads in
 * @param present what the namespace's maps lead to now, for the ports' elements in them to be replaced
 */
export function compileRuleset(
  network: ProjectNetwork,
  transit: Transit | null,
  ports: readonly GuardedPort[],
  present: WayTable = NO_WAYS,
): NftDocument {
  const gateway = parseGateway(network.gateway).address
  return {
    nftables: [
      ...projectRules(transit),
      ...ports.flatMap((port) => portRules(gateway, port, transit)),
      ...(transit === null ? [] : ports.flatMap((port) => waysOf(port, present))),
    ],
  }
}

/**
 * Compiles the transaction that takes away what `compileRuleset` made for one port, and nothing if it is gone.
 * @param ways what the namespace's maps lead to now; null where no packets are routed in
 */
export function compilePortRemoval(port: GuestPort, ways: WayTable | null): NftDocument {
  const parts = portParts(port, ways !== null)
  const via = viaChain(port.address)
  return {
    nftables: [
      // Deleting what is not there fails the whole transaction: add first.
      ...containers(),
      ...(ways === null ? [] : translationMaps()),
      ...parts.flatMap((part) => [add({ chain: part.chain }), add({ element: part.element })]),
      ...parts.flatMap((part) => [
        { delete: { element: part.element } },
        { flush: { chain: part.chain } },
        { delete: { chain: part.chain } },
      ]),
      ...(ways === null
        ? []
        : [
            add({ chain: via }),
            ...wayChanges(ways, port.address, NO_WAYS),
            { flush: { chain: via } },
            { delete: { chain: via } },
          ]),
    ],
  }
}

const NO_WAYS: WayTable = { publicAddresses: new Map(), forwards: new Map() }

function waysOf({ address, policy }: GuardedPort, present: WayTable): NftObject[] {
  return wayChanges(present, address, wantedWays(address, policy.ways))
}

/** A chain as nft names it. */
export interface ChainName {
  readonly family: string
  readonly table: string
  readonly name: string
}

/** The chains that the packets and frames of all of a project's ports meet. */
export function sharedChains(translated: boolean): ChainName[] {
  const shared = ['refuse', 'input', 'output', 'forward'].map((name) => ({ ...INET, name }))
  const frames = ['prerouting', 'forward'].map((name) => ({ ...LINK, name }))
  const translating = translated ? TRANSLATION_HOOKS.map((name) => ({ ...INET, name })) : []
  return [...shared, ...frames, ...translating]
}

/** The chains that are one port's own. */
export function ownChains(port: GuestPort, translated: boolean): ChainName[] {
  const own = portParts(port, translated).map(({ chain }) => chain)
  return translated ? [viaChain(port.address), ...own] : own
}

/** The chain that holds the firewall rules of the guest at an address. */
export function policyChain(address: string): string {
  return `to-${address}`
}

function projectRules(transit: Transit | null): NftObject[] {
  return [
    ...containers(),
    ...guardChain(LINK, 'prerouting', 'prerouting', -300),
    rule(LINK, 'prerouting', [lookUp(meta('iifname'), 'ports')]),
    ...guardChain(LINK, 'forward', 'forward', -200),
    ...refusalRules(),
    ...guardChain(INET, 'input', 'input', 0),
    rule(INET, 'input', [equal(meta('iifname'), 'lo'), ACCEPT]),
    rule(INET, 'input', [state('established', 'related'), ACCEPT]),
    rule(INET, 'input', [
      equal(meta('iifname'), BRIDGE),
      equal(field('icmp', 'type'), 'echo-request'),
      ACCEPT,
    ]),
    ...guardChain(INET, 'output', 'output', 0),
    rule(INET, 'output', [differ(meta('oifname'), BRIDGE), ACCEPT]),
    rule(INET, 'output', [state('established', 'related'), ACCEPT]),
    rule(INET, 'output', [lookUp(field('ip', 'daddr'), 'relayed')]),
    ...guardChain(INET, 'forward', 'forward', 0),
    rule(INET, 'forward', [state('invalid'), DROP]),
    rule(INET, 'forward', [state('related'), ACCEPT]),
    rule(INET, 'forward', [equal(ct('direction'), 'reply'), lookUp(field('ip', 'saddr'), 'guests')]),
    rule(INET, 'forward', [equal(ct('direction'), 'reply'), ACCEPT]),
    rule(INET, 'forward', [lookUp(field('ip', 'daddr'), 'guests')]),
    ...(transit?.guestEgress === true ? [rule(INET, 'forward', OUTWARDS)] : []),
    ...(transit === null ? [] : translationRules(transit)),
  ]
}

/** From a guest to the edge router, which knows what is closed to guests. */
const OUTWARDS: readonly NftObject[] = [
  equal(meta('iifname'), BRIDGE),
  equal(meta('oifname'), UPLINK_DEVICE),
  ACCEPT,
]

function portRules(gateway: string, port: GuardedPort, transit: Transit | null): NftObject[] {
  const { mac, address, policy } = port
  const [from, to, relayed] = portParts(port, false)
  const sends = (type: 'arp' | 'ip', ...rest: NftObject[]) =>
    rule(LINK, from.chain.name, [equal(field('ether', 'type'), type), ...rest])
  const refuses = (label: string, ...expr: NftObject[]) =>
    rule(LINK, from.chain.name, [...expr, COUNTER, DROP], label)
  return [
    ...ownChain(from),
    refuses('spoofed MAC', differ(field('ether', 'saddr'), mac)),
    sends('arp', equal(field('arp', 'saddr ether'), mac), equal(field('arp', 'saddr ip'), address), ACCEPT),
    refuses('spoofed ARP', equal(field('ether', 'type'), 'arp')),
    refuses('not IPv4', differ(field('ether', 'type'), 'ip')),
    refuses('spoofed address', differ(field('ip', 'saddr'), address)),
    refuses('DHCP server', equal(field('udp', 'sport'), 67)),
    refuses('link-local', equal(field('ip', 'daddr'), { prefix: { addr: '169.254.0.0', len: 16 } })),
    sends('ip', ACCEPT),
    ...ownChain(to),
    ...policyRules(to.chain.name, port, policy, transit),
    ...ownChain(relayed),
    ...relayedRules(relayed.chain.name, gateway, policy),
    ...(transit === null ? [] : portTranslation(port.address, policy.ways)),
  ]
}

/** Where a namespace's map leads a port's key, its tap or its address: to its own chain; null for any other map. */
export function leadOf(family: string, map: string, key: string): NftObject | null {
  const parts = portParts({ tap: key, address: key }, true)
  const part = parts.find(({ chain, element }) => chain.family === family && element['name'] === map)
  return part === undefined ? null : jumpTo(part.chain.name)
}

/** A port's chains, and the map elements that lead to them by the port's own key. */
function portParts(
  port: Pick<GuestPort, 'tap' | 'address'>,
  translated: boolean,
): [from: PortPart, to: PortPart, relayed: PortPart, ...translating: PortPart[]] {
  return [
    portPart(LINK, 'ports', port.tap, `from-${port.tap}`),
    portPart(INET, 'guests', port.address, policyChain(port.address)),
    portPart(INET, 'relayed', port.address, `relay-${port.address}`),
    ...(translated ? [sourcePart(port.address)] : []),
  ]
}

function containers(): NftObject[] {
  return [
    add({ table: { family: LINK.family, name: TABLE } }),
    add({ map: { ...LINK, name: 'ports', type: 'ifname', map: 'verdict' } }),
    add({ table: { family: INET.family, name: TABLE } }),
    add({ map: { ...INET, name: 'guests', type: 'ipv4_addr', map: 'verdict' } }),
    add({ map: { ...INET, name: 'relayed', type: 'ipv4_addr', map: 'verdict' } }),
  ]
}
