/**
 * A set of IPv4 addresses as numbers: closed intervals, ascending, with a gap between any two. Equal sets
 * have equal forms.
 */
export type AddressSet = readonly (readonly [first: number, last: number])[]

export const EVERY_ADDRESS: AddressSet = [[0, 2 ** 32 - 1]]

/** The number of an address in dots, most significant byte first. The text must be a valid address. */
export function addressNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/** The union of networks given as `address/prefix`, each beginning at its first address. */
export function addressSet(networks: readonly string[]): AddressSet {
  return union(
    networks.map((network) => {
      const [address = '', prefix = '32'] = network.split('/')
      const first = addressNumber(address)
      return [first, first + 2 ** (32 - Number(prefix)) - 1] as const
    }),
  )
}

/** The union of intervals in any order. */
export function union(intervals: AddressSet): AddressSet {
  const merged: [number, number][] = []
  for (const [first, last] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1)
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged
}

export function contains(set: AddressSet, address: number): boolean {
  let low = 0
  let high = set.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const [first = 0, last = 0] = set[middle] ?? []
    if (address < first) high = middle - 1
    else if (address > last) low = middle + 1
    else return true
  }
  return false
}
