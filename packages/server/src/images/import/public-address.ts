import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { HostError } from '@berth/contract/host/host-error'
import ipaddr from 'ipaddr.js'
import { AZURE_WIRE_SERVER } from '../../host/cloud-service-address.ts'

/** An address that was looked up once, and that is connected to without being looked up again. */
export interface PinnedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Looks a host name up; every address it has. */
export type Resolver = (host: string) => Promise<readonly PinnedAddress[]>

/** The system's resolver: /etc/hosts and DNS. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }))

/**
 * Whether an address is of the public internet. Loopback, private, link-local (cloud metadata services among
 * them), carrier-grade NAT, multicast, reserved and all IPv6 forms that carry an IPv4 address are not.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  return parsed.range() === 'unicast' && parsed.toString() !== AZURE_WIRE_SERVER
}

/**
 * The address to connect to for a URL's host. One private address among several refuses the name: which one a
 * client takes must not be up to whoever answers for the name.
 * @throws HostError when it does not resolve, or not to public addresses only
 */
export async function pinAddress(
  hostname: string,
  allowPrivate: boolean,
  resolver: Resolver,
): Promise<PinnedAddress> {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(literal)
  const found: readonly PinnedAddress[] =
    family === 0
      ? await resolver(hostname).catch((error: unknown) => {
          const code = (error as NodeJS.ErrnoException).code ?? String(error)
          throw new HostError(`The host name ${hostname} cannot be resolved (${code}).`, { cause: error })
        })
      : [{ address: literal, family: family === 6 ? 6 : 4 }]
  const hidden = found.find(({ address }) => !isPublicAddress(address))
  if (hidden && !allowPrivate) {
    throw new HostError(
      `${family === 0 ? `${hostname} is at ${hidden.address}, which` : literal} is not a public address. If you mean it, add --allow-private.`,
      { retryable: false },
    )
  }
  const [first] = found
  if (!first) throw new HostError(`The host name ${hostname} has no address.`)
  return first
}
