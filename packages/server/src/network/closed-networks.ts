import { createHash } from 'node:crypto'
import { AZURE_WIRE_SERVER } from '../host/cloud-service-address.ts'
import { addressNumber, addressSet, addressText, union, type AddressSet } from './address-set.ts'
import { DROP, equal, field, INET, rule, type NftObject } from './nft-json.ts'

/**
 * Closed to guests, wherever the operator's network leads: what is not globally reachable (RFC 6890) may be the
 * operator's own, and what a cloud tells its virtual machines is not for guests of one.
 */
const PRIVATE_NETWORKS = addressSet([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  AZURE_WIRE_SERVER,
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
])

/** All that is closed to guests of a host with these addresses. */
export function closedNetworks(hostAddresses: readonly string[]): AddressSet {
  return union([...PRIVATE_NETWORKS, ...addressSet(hostAddresses)])
}

/** Drops what goes to a closed network. The rule's comment tells what it was made for, see `readClosed`. */
export function closingRule(chain: string, from: NftObject, closed: AddressSet): NftObject {
  const elements = closed.map(([first, last]) =>
    first === last ? addressText(first) : { range: [addressText(first), addressText(last)] },
  )
  return rule(INET, chain, [from, equal(field('ip', 'daddr'), { set: elements }), DROP], commentOf(closed))
}

/**
 * What the kernel's rule closes, from what nft lists; undefined when there is none, or when it closes anything else
 * than it was made for. So a rule that somebody changed is told from one that was made for other addresses of the host.
 */
export function readClosed(objects: readonly NftObject[]): AddressSet | undefined {
  for (const { rule: object } of objects) {
    const { comment = '', expr = [] } = (object ?? {}) as { comment?: string; expr?: readonly Match[] }
    if (!comment.startsWith(COMMENT)) continue
    const elements = expr.flatMap(({ match }) => (match?.right as { set?: Element[] } | undefined)?.set ?? [])
    const closed = union(elements.map(intervalOf))
    return commentOf(closed) === comment ? closed : undefined
  }
  return undefined
}

const COMMENT = 'closed '

/** An element of a set as nft lists it. */
type Element =
  | string
  | { readonly range: readonly [string, string] }
  | { readonly prefix: { readonly addr: string; readonly len: number } }

interface Match {
  readonly match?: { readonly right?: unknown }
}

function intervalOf(element: Element): readonly [number, number] {
  if (typeof element === 'string') return [addressNumber(element), addressNumber(element)]
  if ('range' in element) return [addressNumber(element.range[0]), addressNumber(element.range[1])]
  const first = addressNumber(element.prefix.addr)
  return [first, first + 2 ** (32 - element.prefix.len) - 1]
}

function commentOf(closed: AddressSet): string {
  return COMMENT + createHash('sha256').update(JSON.stringify(closed)).digest('hex').slice(0, 32)
}
