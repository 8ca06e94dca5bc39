import { createHash } from 'node:crypto'
import type { NftDocument, NftObject } from './nft-json.ts'
import type { ProjectNetwork } from './network-driver.ts'
import { readRuleset } from './project-namespace.ts'
import { chainsOf, compileRuleset, mapsOf, type GuardedPort } from './ruleset.ts'
import { withScratchNamespace } from './scratch-namespace.ts'

/** Digests of a chain's rules, or of a port's place in a map, by name such as `inet to-10.64.0.5`. */
type Listing = ReadonlyMap<string, string>

/** How many ports' expected listings are remembered; each takes about 1 KiB. */
const MAX_REMEMBERED = 2000

/**
 * Compares the rules in the kernel with those that a port should have. What nft prints differs from what it
 * reads, and between versions; so the expected rules are printed by the same nft, from a scratch namespace.
 */
export class PortRulesState {
  readonly #expected = new Map<string, Promise<Listing>>()

  /** The names of what is missing or differs; none when the kernel has exactly the expected rules. */
  async differences(namespace: string, network: ProjectNetwork, port: GuardedPort): Promise<string[]> {
    const expected = await this.#expectedOf(network, port)
    const seen = listingOf(await readRuleset(namespace), port)
    return [...expected].flatMap(([name, text]) => (seen.get(name) === text ? [] : [name]))
  }

  #expectedOf(network: ProjectNetwork, port: GuardedPort): Promise<Listing> {
    const document = JSON.stringify(compileRuleset(network, [port]))
    const key = digest(document)
    const known = this.#expected.get(key)
    if (known) return known
    const made = withScratchNamespace(async (exec) => {
      await exec('nft', ['-j', '-f', '-'], document)
      const text = await exec('nft', ['-j', 'list', 'ruleset'], '')
      return listingOf((JSON.parse(text) as NftDocument).nftables, port)
    })
    if (this.#expected.size >= MAX_REMEMBERED) this.#expected.clear()
    this.#expected.set(key, made)
    made.catch(() => this.#expected.delete(key))
    return made
  }
}

/** What of a namespace's objects the port's packets meet. */
function listingOf(objects: readonly NftObject[], port: GuardedPort): Listing {
  const chains = new Set(chainsOf(port).map(({ family, name }) => `${family} ${name}`))
  const listing = new Map<string, string>()
  const append = (name: string, value: unknown) => {
    if (!chains.has(name)) return
    listing.set(name, digest((listing.get(name) ?? '') + JSON.stringify(value, withoutCounts)))
  }
  for (const object of objects) {
    const { chain, rule, map } = object as Record<string, Record<string, unknown> | undefined>
    if (chain) append(`${String(chain['family'])} ${String(chain['name'])}`, chain)
    if (rule) append(`${String(rule['family'])} ${String(rule['chain'])}`, rule)
    if (map)
      listing.set(`${String(map['family'])} map ${String(map['name'])}`, JSON.stringify(elementOf(map, port)))
  }
  return listing
}

/** The verdict that a map holds for the port; the other ports' are theirs to look after. */
function elementOf(map: Record<string, unknown>, port: GuardedPort): unknown {
  const keys = new Set(mapsOf(port).map(({ key }) => key))
  const elements = (map['elem'] ?? []) as [unknown, unknown][]
  return elements.find(([key]) => typeof key === 'string' && keys.has(key)) ?? null
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** Handles are numbers that the kernel gives out as it goes; counters move. */
function withoutCounts(key: string, value: unknown): unknown {
  return ['handle', 'packets', 'bytes'].includes(key) ? undefined : value
}
