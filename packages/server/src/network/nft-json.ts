/** One command, object or statement of nftables' JSON, see libnftables-json(5). */
export type NftObject = Readonly<Record<string, unknown>>

/** A whole transaction for `nft -j -f -`. */
export interface NftDocument {
  readonly nftables: readonly NftObject[]
}

/** Bytes of a namespace's rules as nft lists them: some 500 a rule, and 50 for each source of one. */
export const MAX_LISTING = 128 * 1024 * 1024

/** A table, as chains, maps and rules name it. */
export interface NftTable {
  readonly family: string
  readonly table: string
}

/** The name of this product's tables. They live in the project's own namespace. */
export const TABLE = 'berth'
export const INET: NftTable = { family: 'inet', table: TABLE }
export const LINK: NftTable = { family: 'bridge', table: TABLE }

export const ACCEPT: NftObject = { accept: null }
export const DROP: NftObject = { drop: null }
export const COUNTER: NftObject = { counter: null }

export function add(object: NftObject): NftObject {
  return { add: object }
}

export function rule(
  table: NftTable,
  chain: string,
  expr: readonly NftObject[],
  comment?: string,
): NftObject {
  return add({ rule: { ...table, chain, ...(comment === undefined ? {} : { comment }), expr } })
}

export function meta(key: string): NftObject {
  return { meta: { key } }
}

/** A member of the connection's record, of its first packet where it has a direction: see nft(8), "ct". */
export function ct(key: string): NftObject {
  const directed = key === 'ip saddr' || key === 'proto-dst'
  return { ct: directed ? { key, dir: 'original' } : { key } }
}

export function state(...states: string[]): NftObject {
  return { match: { op: 'in', left: ct('state'), right: states.length === 1 ? states[0] : states } }
}

export function field(protocol: string, name: string): NftObject {
  return { payload: { protocol, field: name } }
}

export function equal(left: NftObject, right: string | number | NftObject): NftObject {
  return { match: { op: '==', left, right } }
}

export function differ(left: NftObject, right: string | number): NftObject {
  return { match: { op: '!=', left, right } }
}

export function lookUp(key: NftObject, map: string): NftObject {
  return { vmap: { key, data: `@${map}` } }
}

export function goTo(target: string): NftObject {
  return { goto: { target } }
}
