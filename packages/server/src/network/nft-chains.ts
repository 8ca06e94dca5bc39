import { add, jumpTo, type NftObject, type NftTable } from './nft-json.ts'

/** A chain that belongs to one port, and the map element that leads to it. */
export interface PortPart {
  readonly chain: NftTable & { readonly name: string }
  readonly map: NftObject
  readonly key: string
  readonly element: NftObject
}

export function portPart(table: NftTable, map: string, key: string, name: string): PortPart {
  return {
    chain: { ...table, name },
    map: { ...table, name: map },
    key,
    element: { ...table, name: map, elem: [[key, jumpTo(name)]] },
  }
}

/** A port's chain, emptied, and its element. */
export function ownChain(part: PortPart): NftObject[] {
  return [...emptyChain(part.chain), add({ element: part.element })]
}

/** A chain without rules, whatever it had. */
export function emptyChain(chain: PortPart['chain']): NftObject[] {
  return [add({ chain }), { flush: { chain } }]
}

/** A chain on a hook, without rules, that drops what none of them accepts. */
export function guardChain(table: NftTable, name: string, hook: string, prio: number): NftObject[] {
  const chain = { ...table, name }
  return [add({ chain: { ...chain, type: 'filter', hook, prio, policy: 'drop' } }), { flush: { chain } }]
}

/** A chain without rules that translates addresses on their way in (before routing) or out (after it). */
export function translationChain(
  table: NftTable,
  name: string,
  hook: 'prerouting' | 'postrouting',
): NftObject[] {
  const chain = { ...table, name }
  const prio = hook === 'prerouting' ? -100 : 100
  return [add({ chain: { ...chain, type: 'nat', hook, prio, policy: 'accept' } }), { flush: { chain } }]
}
