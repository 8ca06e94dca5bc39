import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressNumber, addressSet, addressText, contains, EVERY_ADDRESS } from './address-set.ts'

test('networks become intervals that neither overlap nor touch', () => {
  expect(addressSet(['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8'])).toEqual([[10 * 2 ** 24, 12 * 2 ** 24 - 1]])
  expect(addressSet(['0.0.0.0/0', '1.2.3.4/32'])).toEqual(EVERY_ADDRESS)
  expect(addressSet(['255.255.255.255/32'])).toEqual([[2 ** 32 - 1, 2 ** 32 - 1]])
  expect(addressSet([])).toEqual([])
})

test('an address is in the set exactly when one of its networks holds it', () => {
  // Few bits differ, so that networks meet.
  const address = fc.array(fc.constantFrom(0, 1, 128, 255), { minLength: 4, maxLength: 4 })
  const network = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([bytes, prefix]) => {
    const size = 2 ** (32 - prefix)
    const first = Math.floor(addressNumber(bytes.join('.')) / size) * size
    return { first, size, text: `${addressText(first)}/${prefix}` }
  })
  fc.assert(
    fc.property(fc.array(network, { maxLength: 12 }), address, (networks, bytes) => {
      const number = addressNumber(bytes.join('.'))
      const set = addressSet(networks.map(({ text }) => text))
      expect(contains(set, number)).toBe(
        networks.some(({ first, size }) => number >= first && number < first + size),
      )
      const gaps = set.slice(1).map(([first], index) => first - (set[index]?.[1] ?? 0))
      expect(gaps.every((gap) => gap > 1)).toBe(true)
    }),
  )
})
