import ipaddr from 'ipaddr.js'

/** The private network that every project gets, each in a namespace of its own. */
export class NetworkPlan {
  readonly #first: number
  readonly #prefix: number

  /**
   * @param cidr such as `10.64.0.0/20`: IPv4, with room for at least two guests
   * @throws Error naming what is wrong with it
   */
  constructor(cidr: string) {
    const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr)
    if (prefix < 8 || prefix > 29)
      throw new Error(`The guest network ${cidr} must have a prefix from /8 to /29.`)
    const network = ipaddr.IPv4.networkAddressFromCIDR(cidr)
    if (network.toString() !== address.toString()) {
      throw new Error(`The guest network ${cidr} must begin at its first address, ${network.toString()}.`)
    }
    this.#first = network.octets.reduce((sum, octet) => sum * 256 + octet, 0)
    this.#prefix = prefix
  }

  /** How many addresses it has, the network's own and the broadcast one included. */
  get capacity(): number {
    return 2 ** (32 - this.#prefix)
  }

  /** The address with that number, such as `10.64.0.5` for 5. */
  address(number: number): string {
    const value = this.#first + number
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
  }

  /** The same with its prefix length, as interfaces want it. */
  withPrefix(number: number): string {
    return `${this.address(number)}/${this.#prefix}`
  }
}

/** The bridge's own number in every project's network. */
export const GATEWAY_NUMBER = 1
