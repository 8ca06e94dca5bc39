import { isIPv4 } from 'node:net'
import { jumpTo, type NftDocument, type NftObject } from './nft-json.ts'
import { leadOf } from './ruleset.ts'
import { viaChain } from './translation-rules.ts'

/** Something that nobody asked for, by name, and the commands that take it away. */
interface Surplus {
  readonly name: string
  readonly removal: readonly NftObject[]
}

/** A member of what nft lists: a table, a chain or a map. */
interface Listed {
  readonly family: string
  readonly name: string
  readonly table?: string
  readonly hook?: string
  readonly elem?: readonly [key: unknown, verdict: unknown][]
}

/** The names of what is surplus in a namespace, see `findSurplus`. */
export function surplusNames(present: readonly NftObject[], own: NftDocument): string[] {
  return findSurplus(present, own).map(({ name }) => `surplus ${name}`)
}

/** Compiles the transaction that takes away what is surplus in a namespace, see `findSurplus`. */
export function compileSurplusRemoval(present: readonly NftObject[], own: NftDocument): NftDocument {
  return { nftables: findSurplus(present, own).flatMap(({ removal }) => removal) }
}

/**
 * What in a namespace of ours decides on packets beside our own rules: tables of others, chains of others that hang on
 * a hook within our tables, and elements of our maps that do not lead a guest's packets to a chain of that guest.
 * Chains that nothing leads to decide nothing, and what our own chains hold is compared elsewhere.
 *
 * @param present what nft lists of the namespace
 * @param own the rules that the namespace should have, whichever ports it has
 */
function findSurplus(present: readonly NftObject[], own: NftDocument): Surplus[] {
  const expected = own.nftables.map(({ add }) => (add ?? {}) as NftObject)
  const tables = new Set(listed(expected, 'table').map(({ family, name }) => `${family} ${name}`))
  const hooks = new Set(listed(expected, 'chain').filter(isOnHook).map(chainName))
  const isOurs = ({ family, table }: Listed) => tables.has(`${family} ${table}`)
  return [
    ...listed(present, 'table')
      .filter(({ family, name }) => !tables.has(`${family} ${name}`))
      .map(({ family, name }) => ({
        name: `table ${family} ${name}`,
        removal: [{ delete: { table: { family, name } } }],
      })),
    ...listed(present, 'chain')
      .filter((chain) => isOurs(chain) && isOnHook(chain) && !hooks.has(chainName(chain)))
      .map(({ family, table, name }) => ({
        name: `chain ${family} ${name}`,
        removal: [
          { flush: { chain: { family, table, name } } },
          { delete: { chain: { family, table, name } } },
        ],
      })),
    ...listed(present, 'map').filter(isOurs).flatMap(surplusElements),
  ]
}

function surplusElements({ family, table, name, elem = [] }: Listed): Surplus[] {
  return elem
    .map(([key, verdict]) => ({ key: keyOf(key), verdict }))
    .filter(({ key, verdict }) => !leadsRight(family, name, key, verdict))
    .map(({ key, verdict }) => ({
      name: `element ${name} ${keyText(key)}`,
      removal: [{ delete: { element: { family, table, name, elem: [[key, verdict]] } } }],
    }))
}

/** Whether an element leads where one of that map may lead: to the chain of its own key, or to the ways in of a guest. */
function leadsRight(family: string, map: string, key: unknown, verdict: unknown): boolean {
  const target = String((verdict as { jump?: { target?: unknown } } | null)?.jump?.target)
  if (map === 'public' || map === 'forwards') {
    const guest = target.slice(viaChain('').name.length)
    return isIPv4(guest) && isSame(verdict, jumpTo(viaChain(guest).name))
  }
  const lead = leadOf(family, map, String(key))
  return lead === null || isSame(verdict, lead)
}

/** An element with a comment, a counter or a timeout is listed with them around its key. */
function keyOf(key: unknown): unknown {
  return (key as { elem?: { val?: unknown } }).elem?.val ?? key
}

function keyText(key: unknown): string {
  const { concat } = key as { concat?: unknown }
  if (Array.isArray(concat)) return concat.join(' ')
  return typeof key === 'string' ? key : JSON.stringify(key)
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function isOnHook({ hook }: Listed): boolean {
  return hook !== undefined
}

function chainName({ family, table, name }: Listed): string {
  return `${family} ${table} ${name}`
}

function listed(objects: readonly NftObject[], kind: 'table' | 'chain' | 'map'): Listed[] {
  return objects.flatMap((object) => (object[kind] === undefined ? [] : [object[kind] as Listed]))
}
