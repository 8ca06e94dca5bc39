import { addressNumber, addressText } from './address-set.ts'
import { namespacePrefix } from './network-names.ts'

/** How an installation is attached to the operator's network. */
export interface BridgeUplink {
  /** The operator's bridge. */
  readonly bridge: string
  /** The network namespace that the bridge is in; null: the one that Berth itself is in. */
  readonly namespace: string | null
  /** The next router beyond the bridge, with the prefix length of its network, such as `203.0.113.1/24`. */
  readonly gateway: string
  /** Where port forwards answer, and where guests without a public address go out. */
  readonly edgeAddress: string
  /** Whether guests may open connections to public networks. */
  readonly guestEgress: boolean
}

/** An installation's edge router: its namespace, and the device of its that is a port of the operator's bridge. */
export interface Edge {
  readonly name: string
  readonly port: string
  readonly uplink: BridgeUplink
}

/** What a project's namespace knows of its way to the edge router. */
export interface Transit {
  /** The project's own address on the way. */
  readonly address: string
  readonly guestEgress: boolean
}

/**
 * Transit addresses are link-local (RFC 3927): no network that a guest may want to reach has them, guests cannot
 * send to them, and they say nothing of a project's own network, which may be the same as another's.
 */
export const TRANSIT_NETWORK = { address: '169.254.0.0', prefix: 16 } as const
/** The edge router's own end of every way. */
export const TRANSIT_GATEWAY = '169.254.0.1'
/** The first of 256 is the router's; RFC 3927 reserves the last 256. */
const FIRST_TRANSIT = addressNumber('169.254.1.0') - 1

/** How many projects an installation may have: one transit address each. */
export const MAX_PROJECT_NUMBER = 254 * 256

/** The device that leads out: the edge router's to the operator's bridge, and a project's to the edge router. */
export const UPLINK_DEVICE = 'uplink'

/** The namespace of an installation's edge router. No project's is called so: their keys have no dash. */
export function edgeRouterName(installId: string): string {
  return `${namespacePrefix(installId)}edge-router`
}

/** The edge router's cable, at the end that is a port of the operator's bridge. */
export function uplinkPortName(installId: string): string {
  return namespacePrefix(installId).slice(0, -1)
}

/** A project's cable, at the edge router's end. */
export function projectDevice(networkKey: string): string {
  return `p-${networkKey}`
}

export function transitAddress(projectNumber: number): string {
  return addressText(FIRST_TRANSIT + projectNumber)
}
