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

/** A member of the connection's record, see nft(8), "ct". */
export function ct(key: string): NftObject {
  return { ct: { key } }
}

/** The address or port that the connection's first packet came from or went to, before any translation. */
export function asked(key: 'ip saddr' | 'ip daddr' | 'proto-dst'): NftObject {
  return { ct: { key, dir: 'original' } }
}

/** The port that the answers come from: the guest's own, whatever port its caller asked for. */
export const ANSWERING_PORT: NftObject = { ct: { key: 'proto-src', dir: 'reply' } }

export function state(...states: string[]): NftObject {
  return { match: { op: 'in', left: ct('state'), right: states.length === 1 ? states[0] : states } }
}

export function field(protocol: string, name: string): NftObject {
  return { payload: { protocol, field: name } }
}

export function equal(left: NftObject, right: string | number | NftObject): NftObject {
  return { match: { op: '==', left, right } }
}

export function differ(left: NftObject, right: string | number | NftObject): NftObject {
  return { match: { op: '!=', left, right } }
}

export function lookUp(key: NftObject, map: string): NftObject {
  return { vmap: { key, data: `@${map}` } }
}

/** The address that a map holds for a key, as translations take it. */
export function lookUpAddress(key: NftObject, map: string): NftObject {
  return { map: { key, data: `@${map}` } }
}

export function jumpTo(target: string): NftObject {
  return { jump: { target } }
}

export function goTo(target: string): NftObject {
  return { goto: { target } }
}
