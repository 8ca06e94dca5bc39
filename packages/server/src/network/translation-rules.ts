import { UPLINK_DEVICE, type Transit } from './bridge-uplink.ts'
import type { RoutedWays, Transport } from './guest-policy.ts'
import { emptyChain, ownChain, portPart, translationChain, type PortPart } from './nft-chains.ts'
import { add, equal, field, INET, jumpTo, lookUp, meta, rule, type NftObject } from './nft-json.ts'

/** The chains through which connections come in by the uplink and go out by it. */
export const TRANSLATION_HOOKS = ['arrive', 'leave'] as const

/** All of a namespace's chains that translate. */
export const TRANSLATION_CHAINS = /^(arrive|leave|(via|as)-.+)$/

/** All of its maps that lead to them. */
export const TRANSLATION_MAPS: readonly string[] = ['public', 'forwards', 'sources']

/** Places beyond the host and the guests that they lead to, as a namespace's maps hold them. */
export interface WayTable {
  readonly publicAddresses: ReadonlyMap<string, string>
  /** By protocol and port of the edge address, such as `tcp 30001`. */
  readonly forwards: ReadonlyMap<string, string>
}

/**
 * The address translation of a project whose packets are routed in and out. A guest's public address stands for
 * the guest one to one, both ways. The ports of the project's transit address stand for the guests' ports that
 * forwards lead to; they are those of the edge address, where the edge router takes them from. Whoever has no
 * public address goes out from the transit address.
 */
export function translationRules(transit: Transit): NftObject[] {
  const toTransit = equal(field('ip', 'daddr'), transit.address)
  const target = { concat: [meta('l4proto'), field('th', 'dport')] }
  const leaves = equal(meta('oifname'), UPLINK_DEVICE)
  return [
    ...translationMaps(),
    ...translationChain(INET, 'arrive', 'prerouting'),
    rule(INET, 'arrive', [lookUp(field('ip', 'daddr'), 'public')]),
    rule(INET, 'arrive', [toTransit, lookUp(target, 'forwards')]),
    ...translationChain(INET, 'leave', 'postrouting'),
    rule(INET, 'leave', [leaves, lookUp(field('ip', 'saddr'), 'sources')]),
    rule(INET, 'leave', [leaves, { snat: { family: 'ip', addr: transit.address } }]),
  ]
}

export function translationMaps(): NftObject[] {
  return [
    add({ map: { ...INET, name: 'public', type: 'ipv4_addr', map: 'verdict' } }),
    add({ map: { ...INET, name: 'forwards', type: ['inet_proto', 'inet_service'], map: 'verdict' } }),
    add({ map: { ...INET, name: 'sources', type: 'ipv4_addr', map: 'verdict' } }),
  ]
}

/** One guest's part of it, without the elements that lead to its chain of incoming connections. */
export function portTranslation(address: string, ways: RoutedWays): NftObject[] {
  const via = viaChain(address)
  const source = sourcePart(address)
  const translated = (...expr: NftObject[]) => rule(INET, via.name, expr)
  return [
    ...emptyChain(via),
    ...ways.forwards.map(({ protocol, port, internalPort }) =>
      translated(equal(field(protocol, 'dport'), port), {
        dnat: { family: 'ip', addr: address, port: internalPort },
      }),
    ),
    ...(ways.publicAddress === null
      ? []
      : [
          translated(equal(field('ip', 'daddr'), ways.publicAddress), {
            dnat: { family: 'ip', addr: address },
          }),
        ]),
    ...ownChain(source),
    ...(ways.publicAddress === null
      ? []
      : [rule(INET, source.chain.name, [{ snat: { family: 'ip', addr: ways.publicAddress } }])]),
  ]
}

/** The chain that a guest's incoming connections are translated by. */
export function viaChain(address: string): PortPart['chain'] {
  return { ...INET, name: `via-${address}` }
}

/** The chain that gives what a guest sends its public address. */
export function sourcePart(address: string): PortPart {
  return portPart(INET, 'sources', address, `as-${address}`)
}

/** What a guest should have in its namespace's maps. */
export function wantedWays(address: string, { publicAddress, forwards }: RoutedWays): WayTable {
  return {
    publicAddresses: new Map(publicAddress === null ? [] : [[publicAddress, address]]),
    forwards: new Map(forwards.map(({ protocol, port }) => [forwardKey(protocol, port), address])),
  }
}

function forwardKey(protocol: Transport, port: number): string {
  return `${protocol} ${port}`
}

/** The way from what the maps hold to what one guest should have in them; other guests' ways stay. */
export function wayChanges(present: WayTable, address: string, wanted: WayTable): NftObject[] {
  const changes = (
    map: string,
    has: ReadonlyMap<string, string>,
    wants: ReadonlyMap<string, string>,
    keyOf: (text: string) => unknown,
  ) => {
    const element = (key: string, guest: string) => ({
      element: { ...INET, name: map, elem: [[keyOf(key), jumpTo(viaChain(guest).name)]] },
    })
    const gone = [...has].filter(([key, guest]) =>
      wants.has(key) ? wants.get(key) !== guest : guest === address,
    )
    const come = [...wants].filter(([key, guest]) => has.get(key) !== guest)
    return [
      ...gone.map(([key, guest]) => ({ delete: element(key, guest) })),
      ...come.map(([key, guest]) => add(element(key, guest))),
    ]
  }
  const concatOf = (key: string) => {
    const [protocol, port] = key.split(' ')
    return { concat: [protocol, Number(port)] }
  }
  return [
    ...changes('public', present.publicAddresses, wanted.publicAddresses, (key) => key),
    ...changes('forwards', present.forwards, wanted.forwards, concatOf),
  ]
}

/** Reads the maps `public` and `forwards` from what nft lists of a namespace; they may be absent. */
export function readWayTable(objects: readonly NftObject[]): WayTable {
  const elements = (name: string): [unknown, { jump?: { target?: string } }][] => {
    const maps = objects.map(({ map }) => map as { name?: string; elem?: [] } | undefined)
    return maps.find((map) => map?.name === name)?.elem ?? []
  }
  const guestOf = (verdict: { jump?: { target?: string } }) => (verdict.jump?.target ?? '').slice(4)
  return {
    publicAddresses: new Map(elements('public').map(([key, verdict]) => [String(key), guestOf(verdict)])),
    forwards: new Map(
      elements('forwards').map(([key, verdict]) => {
        const [protocol, port] = (key as { concat?: unknown[] }).concat ?? []
        return [`${String(protocol)} ${String(port)}`, guestOf(verdict)]
      }),
    ),
  }
}
