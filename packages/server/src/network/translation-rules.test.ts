import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NftObject } from './nft-json.ts'
import { readWayTable, wantedWays, wayChanges, type WayTable } from './translation-rules.ts'

const guest = fc.constantFrom('10.64.0.5', '10.64.0.6', '10.64.0.7')
const publicAddress = fc.constantFrom('203.0.113.16', '203.0.113.17', '203.0.113.18')
const forwardKey = fc
  .tuple(fc.constantFrom('tcp', 'udp'), fc.integer({ min: 30_000, max: 30_003 }))
  .map(([protocol, port]) => `${protocol} ${port}`)
const table: fc.Arbitrary<WayTable> = fc.record({
  publicAddresses: fc.array(fc.tuple(publicAddress, guest)).map((entries) => new Map(entries)),
  forwards: fc.array(fc.tuple(forwardKey, guest)).map((entries) => new Map(entries)),
})
const ways = fc.record({
  publicAddress: fc.option(publicAddress),
  forwards: fc.uniqueArray(
    fc.record({
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      port: fc.integer({ min: 30_000, max: 30_003 }),
      internalPort: fc.constant(80),
      from: fc.constant([]),
    }),
    { selector: ({ protocol, port }) => `${protocol} ${port}` },
  ),
})

/** What nft would list of the two maps, and after each change, as strictly as the kernel takes them. */
class Maps {
  readonly #elements = new Map<string, Map<string, [unknown, unknown]>>([
    ['public', new Map()],
    ['forwards', new Map()],
  ])

  apply(changes: readonly NftObject[]): void {
    for (const change of changes) {
      const [verb = '', object] = Object.entries(change)[0] ?? []
      const { name, elem } = (object as { element: Element }).element
      for (const [key, verdict] of elem) {
        const elements = this.#elements.get(name)
        const text = JSON.stringify(key)
        if ((verb === 'add') === elements?.has(text)) throw new Error(`${verb} ${text} in ${name}`)
        if (verb === 'add') elements?.set(text, [key, verdict])
        else elements?.delete(text)
      }
    }
  }

  listing(): NftObject[] {
    return [...this.#elements].map(([name, elements]) => ({ map: { name, elem: [...elements.values()] } }))
  }
}

interface Element {
  readonly name: string
  readonly elem: readonly [unknown, unknown][]
}

const NONE: WayTable = { publicAddresses: new Map(), forwards: new Map() }

test('from anything, a guest gets exactly its ways, and others keep what it does not take', () => {
  fc.assert(
    fc.property(table, guest, ways, (present, address, wanted) => {
      const maps = new Maps()
      for (const other of ['10.64.0.5', '10.64.0.6', '10.64.0.7']) {
        const own = (entries: ReadonlyMap<string, string>) =>
          new Map([...entries].filter(([, owner]) => owner === other))
        const theirs = { publicAddresses: own(present.publicAddresses), forwards: own(present.forwards) }
        maps.apply(wayChanges(NONE, other, theirs))
      }
      expect(readWayTable(maps.listing())).toEqual(present)
      const target = wantedWays(address, wanted)
      maps.apply(wayChanges(present, address, target))
      const expected = (has: ReadonlyMap<string, string>, wants: ReadonlyMap<string, string>) =>
        new Map([...[...has].filter(([, owner]) => owner !== address), ...wants])
      expect(readWayTable(maps.listing())).toEqual({
        publicAddresses: expected(present.publicAddresses, target.publicAddresses),
        forwards: expected(present.forwards, target.forwards),
      })
      expect(wayChanges(readWayTable(maps.listing()), address, target)).toEqual([])
    }),
  )
})
