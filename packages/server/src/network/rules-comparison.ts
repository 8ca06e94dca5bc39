import { createHash } from 'node:crypto'
import type { NftDocument, NftObject } from './nft-json.ts'
import { withScratchNamespace } from './scratch-namespace.ts'

/** What is compared of a namespace's objects: a text by name, such as that of a chain `inet to-10.64.0.5`. */
export type Listing = ReadonlyMap<string, string>

/** How many expected listings are remembered; each takes about 1 KiB. */
const MAX_REMEMBERED = 2000

/**
 * Compares the rules in the kernel with those that were to be loaded. What nft prints differs from what it reads,
 * and between versions; so the expected rules are printed by the same nft, from a scratch namespace.
 */
export class RulesComparison {
  readonly #expected = new Map<string, Promise<Listing>>()

  /**
   * The names of what is missing or differs; none when the kernel has exactly the expected rules.
   * @param present what nft lists of the namespace
   * @param listingOf picks what is compared, from what nft lists
   */
  async differences(
    present: readonly NftObject[],
    document: NftDocument,
    listingOf: (objects: readonly NftObject[]) => Listing,
  ): Promise<string[]> {
    const expected = await this.#expectedOf(JSON.stringify(document), listingOf)
    const seen = listingOf(present)
    return [...expected].flatMap(([name, text]) => (seen.get(name) === text ? [] : [name]))
  }

  #expectedOf(document: string, listingOf: (objects: readonly NftObject[]) => Listing): Promise<Listing> {
    const key = digest(document)
    const known = this.#expected.get(key)
    if (known) return known
    const made = withScratchNamespace(async (exec) => {
      await exec('nft', ['-j', '-f', '-'], document)
      const text = await exec('nft', ['-j', 'list', 'ruleset'], '')
      return listingOf((JSON.parse(text) as NftDocument).nftables)
    })
    if (this.#expected.size >= MAX_REMEMBERED) this.#expected.clear()
    this.#expected.set(key, made)
    made.catch(() => this.#expected.delete(key))
    return made
  }
}

/** Digests of chains and their rules, by name such as `inet to-10.64.0.5`. */
export function chainListing(
  objects: readonly NftObject[],
  includes: (name: string) => boolean,
): Map<string, string> {
  const listing = new Map<string, string>()
  const append = (name: string, value: unknown) => {
    if (!includes(name)) return
    listing.set(name, digest((listing.get(name) ?? '') + JSON.stringify(value, withoutCounts)))
  }
  for (const object of objects) {
    const { chain, rule } = object as Record<string, Record<string, unknown> | undefined>
    if (chain) append(`${String(chain['family'])} ${String(chain['name'])}`, chain)
    if (rule) append(`${String(rule['family'])} ${String(rule['chain'])}`, rule)
  }
  return listing
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** Handles are numbers that the kernel gives out as it goes; counters move. */
function withoutCounts(key: string, value: unknown): unknown {
  return ['handle', 'packets', 'bytes'].includes(key) ? undefined : value
}
