import { addressNumber, contains, type AddressSet } from './address-set.ts'

/**
 * Who may use one forward: the first entry that holds the client's address decides, and a client that none
 * holds is refused. Null stands for a forward that no rule governs.
 */
export type Gate = readonly { readonly action: 'allow' | 'drop'; readonly from: AddressSet }[]

export function admits(gate: Gate | null, address: string): boolean {
  if (gate === null) return true
  const number = addressNumber(address.replace(/^::ffff:/, ''))
  return gate.find(({ from }) => contains(from, number))?.action === 'allow'
}

/** Reads a gate that came from another process. @throws Error when it is none */
export function readGate(value: unknown): Gate | null {
  if (value === null || value === undefined) return null
  if (!Array.isArray(value)) throw new Error('gate is not an array')
  return value.map((entry: unknown) => {
    const { action, from } = (entry ?? {}) as { action?: unknown; from?: unknown }
    if (action !== 'allow' && action !== 'drop') throw new Error('gate holds an unknown action')
    if (!Array.isArray(from) || !from.every(isInterval)) throw new Error('gate holds no set of addresses')
    return { action, from }
  })
}

function isInterval(value: unknown): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [first, last] = value as unknown[]
  return isAddressNumber(first) && isAddressNumber(last) && first <= last
}

function isAddressNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32
}
