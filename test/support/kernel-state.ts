import { runCommand } from '../../packages/server/src/host/run-command.ts'

const SETTINGS =
  /^net\.(ipv4\.ip_forward|ipv6\.conf\.all\.disable_ipv6|netfilter\.nf_conntrack_tcp_loose|ipv4\.(conf|neigh)\.[^.]+\.(rp_filter|proxy_arp_pvlan|arp_ignore|arp_notify|send_redirects|accept_redirects|proxy_delay)) =/

/** What `ip` is asked. */
const QUESTIONS = [
  'address show',
  'route show table all',
  'neighbour show nud permanent',
  'neighbour show proxy',
]
/** All that is looked at, a command each; their lines have an order only in the rules. */
const LOOKS = [
  'nft list ruleset',
  `printf '${QUESTIONS.join('\\n')}\\n' | ip -details -json -batch -`,
  'bridge fdb show',
  'sysctl --all --ignore',
]
const BETWEEN = '=== next ==='

/**
 * What a network namespace is like: rules, devices, addresses, routes, neighbours that were written, and settings.
 * Numbers and hardware addresses that the kernel chooses anew each time are left out, as are counters.
 */
export async function kernelState(namespace: string): Promise<Readonly<Record<string, readonly string[]>>> {
  // One shell for all, since a process for each takes most of the time.
  const script = LOOKS.join(` && echo '${BETWEEN}' && `)
  const text = await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', script])
  const [rules = [], answers = [], places = [], settings = []] = text
    .split(`${BETWEEN}\n`)
    .map((answer) => answer.split('\n').map((line) => line.trimEnd()))
    .map((lines) => lines.filter((line) => line !== ''))
  const [links = [], routes = [], neighbours = [], proxies = []] = answers.map(
    (line) => JSON.parse(line) as unknown[],
  )
  const textsOf = (objects: readonly unknown[]) => objects.map((each) => JSON.stringify(each)).toSorted()
  return {
    rules: rules.map((line) => line.replaceAll(/packets \d+ bytes \d+/g, 'counted')),
    devices: (links as Link[]).map(deviceText).toSorted(),
    addresses: (links as Link[]).flatMap(addressTexts).toSorted(),
    routes: textsOf((routes as { dst: string }[]).filter(({ dst }) => !dst.includes(':'))),
    neighbours: textsOf(neighbours),
    proxies: textsOf(proxies),
    places: places.filter((line) => line.includes('static')).toSorted(),
    settings: settings.filter((line) => SETTINGS.test(line)).toSorted(),
  }
}

interface Link {
  readonly ifname: string
  readonly master?: string
  readonly ifalias?: string
  readonly flags: readonly string[]
  readonly addr_info: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
    readonly address?: string
  }[]
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
  }
}

function addressTexts({ ifname, addr_info }: Link): string[] {
  return addr_info
    .filter(({ family }) => family === 'inet')
    .map(({ local, prefixlen, address }) => `${ifname} ${local}/${prefixlen} ${address ?? ''}`)
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
