import { addressText } from '../network/address-set.ts'
import { checkUplink, parseNetwork, type UplinkEdge } from './uplink-plan.ts'

/** Where guests are reached from outside their projects. */
export interface Edge {
  /** Where port forwards answer. */
  readonly address: string
  /** The public addresses, such as `127.64.0.0/16`. */
  readonly publicPool: string
  /** The operator's network that leads to both; null where the host itself does. */
  readonly uplink: UplinkEdge | null
}

/** On one machine both are loopback addresses: all of 127.0.0.0/8 is the host's own. */
export const LOOPBACK_EDGE: Edge = { address: '127.0.0.1', publicPool: '127.64.0.0/16', uplink: null }

/** The private network that every project gets, each in a namespace of its own, and the way in from outside. */
export class NetworkPlan {
  readonly edgeAddress: string
  /** Whether packets are routed to guests from the operator's network; else the relay carries connections. */
  readonly routed: boolean
  /** What guests resolve names with. */
  readonly guestNameservers: readonly string[]
  readonly #first: number
  readonly #prefix: number
  readonly #publicFirst: number
  readonly #publicPrefix: number

  /**
   * @param cidr such as `10.64.0.0/20`: IPv4, with room for at least two guests
   * @throws Error naming what is wrong with it
   */
  constructor(cidr: string, edge: Edge = LOOPBACK_EDGE) {
    const guests = parseNetwork('guest network', cidr)
    if (guests.prefix < 8 || guests.prefix > 29)
      throw new Error(`The guest network ${cidr} must have a prefix from /8 to /29.`)
    const pool = parseNetwork('public pool', edge.publicPool)
    if (pool.prefix < 12)
      throw new Error(`The public pool ${edge.publicPool} must have a prefix from /12 to /32.`)
    if (edge.uplink) checkUplink(cidr, edge.address, edge.publicPool, edge.uplink)
    this.#first = guests.first
    this.#prefix = guests.prefix
    this.#publicFirst = pool.first
    this.#publicPrefix = pool.prefix
    this.edgeAddress = edge.address
    this.routed = edge.uplink !== null
    this.guestNameservers = edge.uplink?.guestNameservers ?? []
  }

  /** How many public addresses there are. */
  get publicCapacity(): number {
    return 2 ** (32 - this.#publicPrefix)
  }

  publicAddress(number: number): string {
    return addressText(this.#publicFirst + number)
  }

  /** How many addresses it has, the network's own and the broadcast one included. */
  get capacity(): number {
    return 2 ** (32 - this.#prefix)
  }

  /** The address with that number, such as `10.64.0.5` for 5. */
  address(number: number): string {
    return addressText(this.#first + number)
  }

  /** The same with its prefix length, as interfaces want it. */
  withPrefix(number: number): string {
    return `${this.address(number)}/${this.#prefix}`
  }
}

/** The bridge's own number in every project's network. */
export const GATEWAY_NUMBER = 1
