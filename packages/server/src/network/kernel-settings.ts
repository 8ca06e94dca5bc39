import { runCommand } from '../host/run-command.ts'
import { UPLINK_DEVICE } from './bridge-uplink.ts'
import { BRIDGE } from './network-names.ts'

/** Of every namespace: it knows no IPv6, and its connections are tracked from their first packet on. */
const NAMESPACE_SETTINGS: readonly string[] = [
  'net.ipv6.conf.all.disable_ipv6=1',
  'net.ipv6.conf.default.disable_ipv6=1',
  // Exists only where br_netfilter is loaded. Inside a namespace it is either that namespace's own or absent.
  'net.bridge.bridge-nf-call-iptables=0',
  'net.bridge.bridge-nf-call-ip6tables=0',
  'net.bridge.bridge-nf-call-arptables=0',
  // A connection is one from its first packet on: else an answer could pass for the opening of another.
  'net.netfilter.nf_conntrack_tcp_loose=0',
]

/**
 * Of a project: its bridge answers ARP on behalf of its isolated ports and routes between them. `proxy_delay` 0 makes
 * it answer at once in place of after up to 0.8 s; redirects would teach guests a way around the firewall.
 * See ip-sysctl in the kernel's documentation.
 */
const BRIDGE_SETTINGS: readonly string[] = [
  'net.ipv4.ip_forward=1',
  `net.ipv4.conf.${BRIDGE}.proxy_arp_pvlan=1`,
  `net.ipv4.neigh.${BRIDGE}.proxy_delay=0`,
  'net.ipv4.conf.all.send_redirects=0',
  `net.ipv4.conf.${BRIDGE}.send_redirects=0`,
  `net.ipv4.conf.${BRIDGE}.accept_redirects=0`,
  `net.ipv4.conf.${BRIDGE}.rp_filter=1`,
]

/**
 * Of the edge router: sources are checked by the reverse path on every device. How ARP is answered is a matter of each
 * device: towards the operator's network only for its own address (`ROUTER_UPLINK_SETTINGS`), towards projects as ever,
 * since the kernel would not answer for a peer address otherwise.
 */
const ROUTER_SETTINGS: readonly string[] = [
  'net.ipv4.ip_forward=1',
  'net.ipv4.conf.all.rp_filter=1',
  'net.ipv4.conf.all.arp_ignore=0',
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.conf.default.send_redirects=0',
]

/** Of a device that leads out, at the router and in projects; `arp_notify` announces the edge address. */
const UPLINK_SETTINGS: readonly string[] = [
  `net.ipv4.conf.${UPLINK_DEVICE}.rp_filter=1`,
  `net.ipv4.conf.${UPLINK_DEVICE}.accept_redirects=0`,
  `net.ipv4.conf.${UPLINK_DEVICE}.send_redirects=0`,
  `net.ipv4.conf.${UPLINK_DEVICE}.arp_notify=1`,
  `net.ipv4.neigh.${UPLINK_DEVICE}.proxy_delay=0`,
]

/** Of the router's device that leads out. */
const ROUTER_UPLINK_SETTINGS: readonly string[] = [
  ...UPLINK_SETTINGS,
  `net.ipv4.conf.${UPLINK_DEVICE}.arp_ignore=1`,
]

/** All that the kernel is told of a project's namespace without a way out. */
export const CLOSED_SETTINGS = [...NAMESPACE_SETTINGS, ...BRIDGE_SETTINGS]
/** The same of one with a way out. */
export const ROUTED_SETTINGS = [...CLOSED_SETTINGS, ...UPLINK_SETTINGS]
/** All that it is told of the edge router's. */
export const EDGE_SETTINGS = [...NAMESPACE_SETTINGS, ...ROUTER_SETTINGS, ...ROUTER_UPLINK_SETTINGS]

/** `--ignore` passes over settings this kernel does not have; one that it refuses is still an error. */
export async function setKernel(namespace: string, settings: readonly string[]): Promise<void> {
  await sysctl(namespace, ['--quiet', '--ignore', '--write', ...settings])
}

/** The settings that are other than given, such as `setting NAMESPACE/net.ipv4.ip_forward`; one that is absent is passed over. */
export async function settingDifferences(namespace: string, settings: readonly string[]): Promise<string[]> {
  const wanted = settings.map((setting) => setting.split('='))
  const text = await sysctl(namespace, ['--ignore', ...wanted.map(([name = '']) => name)])
  const seen = new Map(text.split('\n').map((line) => line.split(' = ') as [string, string | undefined]))
  return wanted.flatMap(([name = '', value]) =>
    seen.has(name) && seen.get(name) !== value ? [`setting ${namespace}/${name}`] : [],
  )
}

function sysctl(namespace: string, args: readonly string[]): Promise<string> {
  return runCommand('ip', ['netns', 'exec', namespace, 'sysctl', ...args])
}
