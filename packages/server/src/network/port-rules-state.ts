import type { Transit } from './bridge-uplink.ts'
import { differencesOf, type NetworkDifference } from './network-difference.ts'
import type { ProjectNetwork } from './network-driver.ts'
import { jumpTo, type NftObject } from './nft-json.ts'
import { chainListing, RulesComparison, type Listing } from './rules-comparison.ts'
import { carriesPolicy } from './policy-rules.ts'
import {
  policyChain,
  compileRuleset,
  ownChains,
  sharedChains,
  type ChainName,
  type GuardedPort,
} from './ruleset.ts'
import { viaChain } from './translation-rules.ts'

/** Compares the rules in the kernel with those that a port should have. */
export class PortRulesState {
  readonly #comparison = new RulesComparison()

  /** Whether the kernel has exactly the expected rules. */
  async areLoaded(
    present: readonly NftObject[],
    network: ProjectNetwork,
    transit: Transit | null,
    port: GuardedPort,
  ): Promise<boolean> {
    // What to expect takes some processes to find out, in vain where the rules are new.
    if (!carriesPolicy(present, policyChain(port.address), port.instanceId, port.policy)) return false
    return (await this.differences(present, network, transit, port)).length === 0
  }

  /**
   * What is missing or differs; none when the kernel has exactly the expected rules.
   * @param present what nft lists of the project's namespace
   */
  async differences(
    present: readonly NftObject[],
    network: ProjectNetwork,
    transit: Transit | null,
    port: GuardedPort,
  ): Promise<NetworkDifference[]> {
    const document = compileRuleset(network, transit, [port])
    const translated = transit !== null
    const shared = new Set(sharedChains(translated).map(chainText))
    const chains = new Set([...shared, ...ownChains(port, translated).map(chainText)])
    const listing = (objects: readonly NftObject[]) => listingOf(objects, port, chains)
    const names = await this.#comparison.differences(present, document, listing)
    return names.flatMap((name) => differencesOf(shared.has(name) ? 'project' : 'guest', [`rules ${name}`]))
  }
}

function chainText({ family, name }: ChainName): string {
  return `${family} ${name}`
}

/** What of a namespace's objects the port's packets meet. */
function listingOf(objects: readonly NftObject[], port: GuardedPort, chains: ReadonlySet<string>): Listing {
  const listing = chainListing(objects, (name) => chains.has(name))
  for (const { map } of objects as readonly Record<string, Record<string, unknown> | undefined>[]) {
    if (map)
      listing.set(
        `${String(map['family'])} map ${String(map['name'])}`,
        JSON.stringify(elementsOf(map, port)),
      )
  }
  return listing
}

/** What a map holds for the port, by its key or by where it leads; the other ports' are theirs to look after. */
function elementsOf(map: Record<string, unknown>, port: GuardedPort): unknown {
  const elements = (map['elem'] ?? []) as [unknown, unknown][]
  const via = JSON.stringify(jumpTo(viaChain(port.address).name))
  const own = elements.filter(
    ([key, verdict]) => key === port.tap || key === port.address || JSON.stringify(verdict) === via,
  )
  return own.map((element) => JSON.stringify(element)).toSorted()
}
