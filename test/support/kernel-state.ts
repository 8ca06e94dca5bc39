import { runCommand } from '../../packages/server/src/host/run-command.ts'

const SETTINGS =
  /^net\.(ipv4\.ip_forward|ipv6\.conf\.all\.disable_ipv6|netfilter\.nf_conntrack_tcp_loose|ipv4\.(conf|neigh)\.[^.]+\.(rp_filter|proxy_arp_pvlan|arp_ignore|arp_notify|send_redirects|accept_redirects|proxy_delay)) =/

/** What is looked at, by name: a command each, whose lines have an order only in the rules. */
const LOOKS = {
  rules: 'nft list ruleset',
  devices: 'ip -details -json link show',
  addresses: 'ip -4 -json address show',
  routes: 'ip -4 route show table all',
  neighbours: 'ip neighbour show nud permanent',
  proxies: 'ip neighbour show proxy',
  places: 'bridge fdb show',
  settings: 'sysctl --all --ignore',
} as const
const BETWEEN = '=== next ==='

/**
 * What a network namespace is like: rules, devices, addresses, routes, neighbours that were written, and settings.
 * Numbers and hardware addresses that the kernel chooses anew each time are left out, as are counters.
 */
export async function kernelState(namespace: string): Promise<Readonly<Record<string, readonly string[]>>> {
  // One shell for all, since a process for each takes most of the time.
  const script = Object.values(LOOKS).join(` && echo '${BETWEEN}' && `)
  const text = await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', script])
  const answers = text.split(`${BETWEEN}\n`)
  const linesOf = (look: keyof typeof LOOKS) =>
    (answers[Object.keys(LOOKS).indexOf(look)] ?? '')
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
  const links = JSON.parse(linesOf('devices').join('')) as Link[]
  const addressed = JSON.parse(linesOf('addresses').join('')) as Addressed[]
  return {
    rules: linesOf('rules').map((line) => line.replaceAll(/packets \d+ bytes \d+/g, 'counted')),
    devices: links.map(deviceText).toSorted(),
    addresses: addressed
      .flatMap(({ ifname, addr_info }) =>
        addr_info.map(({ local, prefixlen, address }) => `${ifname} ${local}/${prefixlen} ${address ?? ''}`),
      )
      .toSorted(),
    routes: linesOf('routes').toSorted(),
    neighbours: linesOf('neighbours').toSorted(),
    proxies: linesOf('proxies').toSorted(),
    places: linesOf('places')
      .filter((line) => line.includes('static'))
      .toSorted(),
    settings: linesOf('settings')
      .filter((line) => SETTINGS.test(line))
      .toSorted(),
  }
}

interface Link {
  readonly ifname: string
  readonly master?: string
  readonly ifalias?: string
  readonly flags: readonly string[]
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
  }
}

interface Addressed {
  readonly ifname: string
  readonly addr_info: readonly {
    readonly local: string
    readonly prefixlen: number
    readonly address?: string
  }[]
}

function deviceText({ ifname, master, ifalias, flags, linkinfo }: Link): string {
  const { isolated, learning, flood, mcast_flood, bcast_flood } = linkinfo?.info_slave_data ?? {}
  const port = { isolated, learning, flood, mcast_flood, bcast_flood }
  return JSON.stringify({
    ifname,
    master,
    ifalias,
    up: flags.includes('UP'),
    kind: linkinfo?.info_kind,
    ...port,
  })
}
