import { runCommand } from '../host/run-command.ts'

/** One network device as `ip -details -json address` tells it, reduced to what is used here. */
export interface NetworkLink {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly ifindex?: number
  readonly address?: string
  readonly ifalias?: string
  readonly master?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
    readonly info_data?: {
      readonly type?: string
      readonly user?: string | number
      readonly mcast_snooping?: number
    }
  }
  readonly addr_info?: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
    /** The other end of a cable that has one. */
    readonly address?: string
  }[]
}

/** A route of a namespace's main table. */
export interface Route {
  /** An address, a network or `default`. */
  readonly to: string
  /** Null when `to` is right at the device. */
  readonly via: string | null
  readonly device: string
}

/** A neighbour that was written down for good, or an address that ARP is answered for on behalf of others. */
export interface Neighbour {
  readonly dst: string
  readonly dev?: string
  readonly lladdr?: string
}

/** What a network namespace is like, but for its rules and settings. */
export interface NamespaceLook {
  readonly links: readonly NetworkLink[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly Neighbour[]
  readonly proxies: readonly Neighbour[]
}

const QUESTIONS = ['address show', 'route show', 'neighbour show nud permanent', 'neighbour show proxy']

/** Looks at a namespace of Berth's own, by one process. */
export async function lookAt(namespace: string): Promise<NamespaceLook> {
  const args = ['-n', namespace, '-details', '-json', '-batch', '-']
  const text = await runCommand('ip', args, { input: `${QUESTIONS.join('\n')}\n` })
  // One array for each question, one after the other.
  const answers = JSON.parse(`[${text.trim().replaceAll(/\]\s*\n\s*\[/g, '],[')}]`) as [
    NetworkLink[],
    { dst: string; gateway?: string; dev?: string }[],
    Neighbour[],
    Neighbour[],
  ]
  const [links, routes, neighbours, proxies] = answers
  return {
    links,
    routes: routes.map(({ dst, gateway, dev }) => ({ to: dst, via: gateway ?? null, device: dev ?? '' })),
    neighbours,
    proxies,
  }
}

/** Every network device in a namespace (null: this process's own), the loopback device included. */
export async function listLinks(namespace: string | null): Promise<NetworkLink[]> {
  const text = await runCommand('ip', [...inNamespace(namespace), '-details', '-json', 'address', 'show'])
  return JSON.parse(text) as NetworkLink[]
}

/** What tells `ip` and `bridge` which namespace to work in; null: this process's own. */
export function inNamespace(namespace: string | null): string[] {
  return namespace === null ? [] : ['-n', namespace]
}

export function linkOf(links: readonly NetworkLink[], device: string): NetworkLink | undefined {
  return links.find(({ ifname }) => ifname === device)
}

export function isUp(link: NetworkLink | undefined): boolean {
  return link?.flags.includes('UP') === true
}

/** A device's IPv4 addresses with their prefix lengths. */
export function addressesOf(link: NetworkLink | undefined): string[] {
  const ipv4 = (link?.addr_info ?? []).filter(({ family }) => family === 'inet')
  return ipv4.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
}

/** What of a device's IPv4 addresses is missing or surplus, where it is to have one, given with its prefix length. */
export function addressDifferences(
  namespace: string,
  device: string,
  link: NetworkLink | undefined,
  wanted: string,
): string[] {
  const addresses = addressesOf(link)
  return [
    ...(addresses.includes(wanted) ? [] : [`address ${namespace}/${device} ${wanted}`]),
    ...addresses
      .filter((cidr) => cidr !== wanted)
      .map((cidr) => `surplus address ${namespace}/${device} ${cidr}`),
  ]
}
