import type { GuestPort, RuleCounter } from './network-driver.ts'
import { readRuleset } from './project-namespace.ts'
import { ownChains } from './ruleset.ts'

interface ListedRule {
  readonly chain: string
  readonly comment?: string
  readonly expr: readonly { readonly counter?: { readonly packets: number; readonly bytes: number } }[]
}

/** What the kernel counted at each of a port's rules that count: refused frames of the guest, and its firewall. */
export async function readRuleCounters(namespace: string, port: GuestPort): Promise<RuleCounter[]> {
  const own = ownChains(port, false).map(({ name }) => name)
  const names = new Set(own.filter((name) => name.startsWith('from-') || name.startsWith('to-')))
  const rules = (await readRuleset(namespace))
    .flatMap(({ rule }) => (rule === undefined ? [] : [rule as ListedRule]))
    .filter(({ chain }) => names.has(chain))
  return rules.flatMap(({ chain, comment, expr }) => {
    const counter = expr.find((statement) => statement.counter !== undefined)?.counter
    if (counter === undefined || comment === undefined) return []
    const direction = chain.startsWith('from-') ? 'out' : 'in'
    return [{ direction, label: comment, packets: counter.packets, bytes: counter.bytes }] as const
  })
}
