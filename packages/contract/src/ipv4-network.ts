import ipaddr from 'ipaddr.js'

/** An address with the prefix length of its network. */
export interface Ipv4Network {
  /** In dots, as it was written. */
  readonly address: string
  readonly prefix: number
}

/**
 * Reads `address/prefix`. Every number has one spelling: `010` is eight to some programs and ten to others, so what
 * one of them took for a network would be another to the next.
 * @returns undefined when the text is no IPv4 address with a prefix length from 0 to 32
 */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const [address = '', bits = '', ...rest] = text.split('/')
  if (rest.length > 0 || !isIpv4Address(address) || !/^(0|[1-9]\d?)$/.test(bits)) return undefined
  const prefix = Number(bits)
  return prefix > 32 ? undefined : { address, prefix }
}

/** Whether the text is an IPv4 address of four decimal numbers without leading zeros. */
export function isIpv4Address(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text)
}

/** What to write in place of an address or network that only leading zeros spoil; undefined for any other text. */
export function withoutLeadingZeros(text: string): string | undefined {
  const bare = text.replaceAll(/(?<!\d)0+(?=\d)/g, '')
  if (bare === text) return undefined
  return isIpv4Address(bare) || parseIpv4Network(bare) ? bare : undefined
}
