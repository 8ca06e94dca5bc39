import { expect, test } from 'vitest'
import { CLOSED_POLICY } from './guest-policy.ts'
import type { ProjectNetwork } from './network-driver.ts'
import type { NftDocument } from './nft-json.ts'
import { compilePortRemoval, compileRuleset, type GuardedPort } from './ruleset.ts'

const network: ProjectNetwork = { key: 'p1', gateway: '10.64.0.1/20', number: 1 }
const five = port(5)
const six = port(6)

function port(number: number): GuardedPort {
  const [address, mac] = [`10.64.0.${number}`, `02:00:00:00:00:0${number}`]
  return { instanceId: `i-${number}`, tap: `g${number}`, mac, address, policy: CLOSED_POLICY }
}

/** The commands as short lines, such as `flush chain bridge from-g5`. */
function commands(document: NftDocument): string[] {
  return document.nftables.map((command) => {
    const [verb = '', object] = Object.entries(command)[0] ?? []
    const [kind = '', value] = Object.entries(object as object)[0] ?? []
    const { family, chain, name, elem } = value as Record<string, string | undefined> & {
      elem?: [string, unknown][]
    }
    const key = elem?.[0]?.[0]
    return [verb, kind, family, chain ?? name, key].filter((word) => word !== undefined).join(' ')
  })
}

test('every chain with a hook drops what no rule accepts', () => {
  const hooks = compileRuleset(network, null, []).nftables.flatMap((command) => {
    const { chain } = (command.add ?? {}) as { chain?: { hook?: string; policy?: string } }
    return chain?.hook === undefined ? [] : [`${chain.hook} ${chain.policy}`]
  })
  expect(hooks).toEqual(['prerouting drop', 'forward drop', 'input drop', 'output drop', 'forward drop'])
})

test('loading one port touches no chain of another, and never a whole table or map', () => {
  const lines = commands(compileRuleset(network, null, [five]))
  expect(lines.filter((line) => line.includes('g6') || line.includes('10.64.0.6'))).toEqual([])
  expect(lines.filter((line) => /^(flush|delete) (table|map|ruleset)/.test(line))).toEqual([])
  expect(lines.filter((line) => line.startsWith('flush'))).toEqual([
    'flush chain bridge prerouting',
    'flush chain bridge forward',
    'flush chain inet refuse',
    'flush chain inet input',
    'flush chain inet output',
    'flush chain inet forward',
    'flush chain bridge from-g5',
    'flush chain inet to-10.64.0.5',
    'flush chain inet relay-10.64.0.5',
  ])
})

test('the rules of several ports are those of each, one after another', () => {
  const project = compileRuleset(network, null, []).nftables
  const own = (guest: GuardedPort) => compileRuleset(network, null, [guest]).nftables.slice(project.length)
  expect(compileRuleset(network, null, [five, six]).nftables).toEqual([...project, ...own(five), ...own(six)])
})

test('the relay alone may open SSH to a guest without rules', () => {
  const rules = compileRuleset(network, null, [five]).nftables.filter((command) =>
    JSON.stringify(command).includes('"chain":"relay-10.64.0.5"'),
  )
  const match = (left: object, right: string | number) => ({ match: { op: '==', left, right } })
  expect(rules).toEqual([
    {
      add: {
        rule: {
          family: 'inet',
          table: 'berth',
          chain: 'relay-10.64.0.5',
          expr: [
            match({ payload: { protocol: 'ip', field: 'saddr' } }, '10.64.0.1'),
            match({ payload: { protocol: 'tcp', field: 'dport' } }, 22),
            { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } },
            { accept: null },
          ],
        },
      },
    },
  ])
})

test.each([
  'element bridge ports g5',
  'chain bridge from-g5',
  'element inet guests 10.64.0.5',
  'chain inet to-10.64.0.5',
  'element inet relayed 10.64.0.5',
  'chain inet relay-10.64.0.5',
])('removing a port adds before it deletes, so that it works when nothing is there: %s', (what) => {
  const lines = commands(compilePortRemoval(five, null))
  expect(lines.indexOf(`add ${what}`)).toBeGreaterThanOrEqual(0)
  expect(lines.indexOf(`delete ${what}`)).toBeGreaterThan(lines.indexOf(`add ${what}`))
})
