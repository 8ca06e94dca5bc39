import { isIpv4Address, parseIpv4Network, withoutLeadingZeros } from '@berth/contract/ipv4-network'
import ipaddr from 'ipaddr.js'

/** What of the operator's network the addresses must fit. */
export interface UplinkEdge {
  /** The next router with the prefix length of its network, such as `203.0.113.1/24`. */
  readonly gateway: string
  readonly guestNameservers: readonly string[]
}

/** No operator's network and no guest has these: the host's own, what Berth uses between namespaces, multicast. */
const RESERVED = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

/**
 * Checks that the addresses of a bridge uplink fit together.
 * @throws Error naming what does not fit
 */
export function checkUplink(
  guestNetwork: string,
  edgeAddress: string,
  publicPool: string,
  { gateway, guestNameservers }: UplinkEdge,
): void {
  const next = parseIpv4Network(gateway)
  if (next === undefined)
    throw malformed('uplink gateway', gateway, 'address with a prefix length such as 203.0.113.1/24')
  const { address: router, prefix } = next
  if (prefix < 8 || prefix > 30)
    throw new Error(`The uplink gateway ${gateway} must have a prefix length from /8 to /30.`)
  const network = ipaddr.IPv4.networkAddressFromCIDR(gateway).toString()
  const broadcast = ipaddr.IPv4.broadcastAddressFromCIDR(gateway).toString()
  const uplink = `${network}/${prefix}`
  if (!isWithin(edgeAddress, uplink) || [router, network, broadcast].includes(edgeAddress))
    throw new Error(
      `The edge address ${edgeAddress} must be a free address of the uplink’s network ${uplink}.`,
    )
  const notPublic = [
    ['gateway', router],
    ['edge address', edgeAddress],
    ['first address of the uplink’s network', network],
    ['last address of the uplink’s network', broadcast],
  ] as const
  for (const [what, address] of notPublic)
    if (isWithin(address, publicPool))
      throw new Error(`The public pool ${publicPool} holds the ${what}, ${address}.`)
  for (const [what, cidr] of [
    ['uplink’s network', uplink],
    ['public pool', publicPool],
  ] as const)
    if (overlap(guestNetwork, cidr))
      throw new Error(`The guest network ${guestNetwork} overlaps the ${what} ${cidr}.`)
  for (const cidr of [uplink, publicPool, guestNetwork])
    for (const reserved of RESERVED)
      if (overlap(cidr, reserved))
        throw new Error(`${cidr} is no range for an uplink: ${reserved} is reserved.`)
  for (const nameserver of guestNameservers)
    if (!isIpv4Address(nameserver)) throw malformed('guests’ name server', nameserver, 'IPv4 address')
}

/** @throws Error unless it is an IPv4 network that begins at its first address */
export function parseNetwork(
  what: string,
  cidr: string,
): { readonly first: number; readonly prefix: number } {
  const given = parseIpv4Network(cidr)
  if (given === undefined) throw malformed(what, cidr, 'IPv4 network such as 10.64.0.0/20')
  const network = ipaddr.IPv4.networkAddressFromCIDR(cidr)
  if (network.toString() !== given.address) {
    throw new Error(`The ${what} ${cidr} must begin at its first address, ${network.toString()}.`)
  }
  return { first: network.octets.reduce((sum, octet) => sum * 256 + octet, 0), prefix: given.prefix }
}

/** @param kind what it should be, as it follows "is no" */
function malformed(what: string, value: string, kind: string): Error {
  const shown = JSON.stringify(value.slice(0, 80))
  const spelled = withoutLeadingZeros(value)
  return new Error(
    spelled === undefined
      ? `The ${what} ${shown} is no ${kind}.`
      : `The ${what} ${shown} has leading zeros. Write ${spelled}.`,
  )
}

function isWithin(address: string, cidr: string): boolean {
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr))
}

/** Whether two networks share an address: one holds the other's first. */
function overlap(one: string, other: string): boolean {
  return isWithin(one.split('/')[0] ?? '', other) || isWithin(other.split('/')[0] ?? '', one)
}
