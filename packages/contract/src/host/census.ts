/** What kind of host effect an entry of the census is. */
export type HostEffectKind =
  | 'process'
  | 'namespace'
  | 'tap'
  | 'veth'
  | 'nft-table'
  | 'socket'
  | 'disk'
  | 'directory'
  | 'listener'
  | 'public-address'

/**
 * One thing on the host that belongs to this installation. A census that lists nothing proves that
 * nothing leaked; one that lists an entry without a row behind it names the leak.
 */
export interface CensusEntry {
  readonly kind: HostEffectKind
  /** What an operator would type to find it: a pid, a namespace name, a path, `address:port`. */
  readonly name: string
  /** The compute instance it serves, or the project network's key, when the host can tell. */
  readonly owner?: string
}
