import { expect, test } from 'vitest'
import { contains, addressNumber } from './address-set.ts'
import { closedNetworks, closingRule, readClosed } from './closed-networks.ts'
import { meta, equal, type NftObject } from './nft-json.ts'

const closed = closedNetworks(['127.0.0.1', '203.0.113.2', '192.0.2.9'])

/** The rule as nft lists it: a network is listed as one, and in its own order. */
function listed(change: (elements: unknown[]) => unknown[] = (elements) => elements): NftObject[] {
  const from = equal(meta('iifname'), 'p-*')
  const { add } = closingRule('forward', from, closed) as { add: { rule: { expr: NftObject[] } } }
  const [match, closes, drop] = add.rule.expr as [
    NftObject,
    { match: { right: { set: unknown[] } } },
    NftObject,
  ]
  const set = closes.match.right.set.map((element) =>
    JSON.stringify(element) === '{"range":["10.0.0.0","10.255.255.255"]}'
      ? { prefix: { addr: '10.0.0.0', len: 8 } }
      : element,
  )
  const right = { set: change(set.toReversed()) }
  return [
    { chain: {} },
    { rule: { ...add.rule, expr: [match, { match: { ...closes.match, right } }, drop] } },
  ]
}

test('private networks and the host’s own addresses are closed, and nothing else', () => {
  for (const address of [
    '10.9.9.9',
    '169.254.169.254',
    '168.63.129.16',
    '198.19.255.255',
    '203.0.113.2',
    '192.0.2.9',
    '224.0.0.1',
  ])
    expect(contains(closed, addressNumber(address)), address).toBe(true)
  for (const address of ['203.0.113.3', '9.9.9.9', '172.32.0.1'])
    expect(contains(closed, addressNumber(address)), address).toBe(false)
})

test('what the rule in the kernel closes is read back', () => {
  expect(readClosed(listed())).toEqual(closed)
  expect(readClosed([])).toBeUndefined()
})

test.each<[string, (elements: unknown[]) => unknown[]]>([
  ['opens an address', (elements) => elements.filter((element) => element !== '192.0.2.9')],
  ['closes another', (elements) => [...elements, '9.9.9.9']],
  ['closes nothing', () => []],
])('a rule that somebody changed so that it %s is not taken for one of Berth’s', (_what, change) => {
  expect(readClosed(listed(change))).toBeUndefined()
})
