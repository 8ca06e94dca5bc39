import type { PortForwardPlace } from '@berth/contract/vm-output'
import type { ComputeInstanceRow } from './schema.ts'

/** How an instance is reached from outside its project, as it was last opened. */
export interface WaysIn {
  /** "" when it has none. */
  readonly publicAddress: string
  readonly forwards: readonly PortForwardPlace[]
  /** Where tenants reach its SSH: at its public address or by a forward; null where only the operator does. */
  readonly ssh: { readonly address: string; readonly port: number } | null
  /** Whether tenants are beyond the host, where the operator's own way to its SSH is of no use to them. */
  readonly beyondHost?: boolean
}

const NO_WAYS_IN: WaysIn = { publicAddress: '', forwards: [], ssh: null }

export function waysInOf(row: Pick<ComputeInstanceRow, 'ways_in'>): WaysIn {
  return row.ways_in === null ? NO_WAYS_IN : (JSON.parse(row.ways_in) as WaysIn)
}
