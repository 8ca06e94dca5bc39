import type { NftObject } from './nft-json.ts'
import { loadRules, readRuleset } from './project-namespace.ts'
import { TRANSLATION_CHAINS, TRANSLATION_MAPS } from './translation-rules.ts'

/**
 * Takes away what a project's namespace has of address translation, of a time when the uplink was a bridge: guests
 * that go meanwhile would leave their ways behind, and addresses would lead to them when it is one again.
 */
export async function removeTranslation(namespace: string): Promise<void> {
  const objects = (await readRuleset(namespace)) as readonly Record<string, Named | undefined>[]
  const chains = objects.flatMap(({ chain }) => (chain && TRANSLATION_CHAINS.test(chain.name) ? [chain] : []))
  const maps = objects.flatMap(({ map }) => (map && TRANSLATION_MAPS.includes(map.name) ? [map] : []))
  if (chains.length + maps.length === 0) return
  const nftables: NftObject[] = [
    // Chains lead to maps and maps to chains: nothing can be deleted that something else leads to.
    ...chains.map((chain) => ({ flush: { chain: nameOf(chain) } })),
    ...maps.map((map) => ({ delete: { map: nameOf(map) } })),
    ...chains.map((chain) => ({ delete: { chain: nameOf(chain) } })),
  ]
  await loadRules(namespace, { nftables })
}

interface Named {
  readonly family: string
  readonly table: string
  readonly name: string
}

function nameOf({ family, table, name }: Named): Named {
  return { family, table, name }
}
