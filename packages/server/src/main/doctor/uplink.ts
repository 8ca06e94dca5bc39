import ipaddr from 'ipaddr.js'
import { tryCommand } from '../../host/run-command.ts'
import type { BridgeUplink } from '../../network/bridge-uplink.ts'
import { lookAtOperator, type OperatorSide } from '../../network/edge-state.ts'
import { inNamespace } from '../../network/namespace-look.ts'
import { withScratchNamespace } from '../../network/scratch-namespace.ts'
import type { Config } from '../config.ts'
import { planOf, uplinkOf } from '../uplink.ts'
import { type Finding, missing, ok, warning } from './finding.ts'
import { probeFindings } from './uplink-probe.ts'

/** What the operator's side of a bridge uplink is like. */
export interface UplinkFacts extends OperatorSide {
  /** Whether the host's firewall sees what goes from port to port of a bridge. */
  readonly filtersBridges: boolean
}

/** Looks at the uplink that is configured. @throws ConfigError when its settings do not fit together */
export async function uplinkFindings(config: Config): Promise<Finding[]> {
  planOf(config)
  const uplink = uplinkOf(config)
  if (uplink === null) {
    const places = `${config.publicPool} and ${config.edgeAddress}, on this host only`
    return [ok('Uplink', `loopback: ${places}; guests reach nothing beyond their project`)]
  }
  const { namespace } = uplink
  if (namespace !== null && (await tryCommand('ip', ['-n', namespace, 'link', 'show'])).code !== 0) {
    return [missing('Uplink', `there is no network namespace ${namespace}`, `ip netns add ${namespace}`)]
  }
  const sysctl = ['-n', 'net.bridge.bridge-nf-call-iptables']
  const filters = await (namespace === null
    ? tryCommand('sysctl', sysctl)
    : tryCommand('ip', ['netns', 'exec', namespace, 'sysctl', ...sysctl]))
  const facts = {
    ...(await lookAtOperator(uplink)),
    filtersBridges: filters.code === 0 && filters.stdout.trim() === '1',
  }
  const findings = judgeUplink(config, uplink, facts)
  // What is missing already would be found again, in other words.
  const isUsable = findings.every(({ state }) => state !== 'missing')
  const probed = isUsable ? await probeFindings(config, uplink) : []
  return [...findings, ...probed, await translationFinding()]
}

/** What is wrong with an uplink, or the one finding that all is well with it. */
export function judgeUplink(
  config: Pick<Config, 'publicPool' | 'guestNetwork'>,
  { bridge, namespace, gateway, edgeAddress }: BridgeUplink,
  { links, addresses, filtersBridges }: UplinkFacts,
): Finding[] {
  const ip = ['ip', ...inNamespace(namespace)].join(' ')
  const found = links.find(({ ifname }) => ifname === bridge)
  if (found === undefined) {
    return [missing('Uplink', `there is no bridge ${bridge}`, `${ip} link add name ${bridge} type bridge`)]
  }
  if (found.linkinfo?.info_kind !== 'bridge') {
    const remedy = `Make a bridge, put ${bridge} into it, and configure uplinkBridge as that bridge.`
    return [missing('Uplink', `${bridge} is no bridge`, remedy)]
  }
  const findings: Finding[] = []
  if (!found.flags.includes('UP'))
    findings.push(missing('Uplink', `${bridge} is down`, `${ip} link set dev ${bridge} up`))
  const ports = links.filter(({ master, ifname }) => master === bridge && !ifname.startsWith('berth-'))
  if (ports.length === 0) {
    const remedy = `${ip} link set dev DEVICE master ${bridge}, for the device that leads to ${gateway}`
    findings.push(warning('Uplink', `${bridge} leads nowhere: nothing but Berth is a port of it`, remedy))
  }
  if (filtersBridges) {
    const detail = `the host’s firewall sees what passes ${bridge} (br_netfilter), and may drop it`
    const inside = namespace === null ? '' : `ip netns exec ${namespace} `
    findings.push(warning('Uplink', detail, `${inside}sysctl -w net.bridge.bridge-nf-call-iptables=0`))
  }
  for (const address of addresses) {
    if (address === edgeAddress || isWithin(address, config.publicPool)) {
      const remedy = 'Give the host another address, or configure another edgeAddress or publicPool.'
      findings.push(missing('Uplink', `${address} is the host’s own, and was to be Berth’s`, remedy))
    }
    if (isWithin(address, config.guestNetwork)) {
      const remedy =
        'Configure a guestNetwork that nobody else uses: its own clients cannot be told from guests.'
      findings.push(warning('Uplink', `${address} is the host’s own, and of the guests’ network`, remedy))
    }
  }
  if (findings.length > 0) return findings
  return [ok('Uplink', `bridge ${bridge}: ${config.publicPool} and ${edgeAddress}, by ${gateway}`)]
}

/** Translates addresses in a namespace of its own, as the edge router does. */
async function translationFinding(): Promise<Finding> {
  const rules = `
    table inet doctor {
      map places { type inet_service : ipv4_addr; }
      chain in { type nat hook prerouting priority -100; ip daddr 192.0.2.1 dnat ip to tcp dport map @places; }
      chain out { type nat hook postrouting priority 100; ip saddr 192.0.2.2 snat ip to 192.0.2.1; }
    }`
  try {
    await withScratchNamespace((exec) => exec('nft', ['-f', '-'], rules))
    return ok('Address translation', 'nftables translates addresses')
  } catch (error) {
    return missing('Address translation', (error as Error).message, 'modprobe nft_chain_nat nft_nat')
  }
}

function isWithin(address: string, cidr: string): boolean {
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr))
}
