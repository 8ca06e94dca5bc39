import { statfs, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { HostError } from '@berth/contract/host/host-error'
import type { Transit } from './bridge-uplink.ts'
import { BRIDGE_SETTINGS, NAMESPACE_SETTINGS, setKernel } from './kernel-settings.ts'
import type { ProjectNetwork } from './network-driver.ts'
import { BRIDGE, gatewayMac, parseGateway } from './network-names.ts'
import { MAX_LISTING, type NftDocument, type NftObject } from './nft-json.ts'
import { compileRuleset } from './ruleset.ts'
import { commandFailure, runCommand, tryCommand } from '../host/run-command.ts'

/** statfs(2) type of a namespace file, NSFS_MAGIC in linux/magic.h. */
const NSFS_MAGIC = 0x6e736673

/** One network device as `ip -details -json address` tells it, reduced to what is used here. */
export interface NetworkLink {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly address?: string
  readonly ifalias?: string
  readonly master?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
    readonly info_data?: { readonly type?: string; readonly user?: string | number }
  }
  readonly addr_info?: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
  }[]
}

/** Whether `ip netns` knows the name, and whether a namespace is really mounted there. */
export async function namespaceState(namespace: string): Promise<'absent' | 'half-made' | 'present'> {
  try {
    const { type } = await statfs(`/run/netns/${namespace}`)
    return type === NSFS_MAGIC ? 'present' : 'half-made'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent'
    throw new HostError(`The network namespace ${namespace} cannot be looked at: ${String(error)}`)
  }
}

/** Makes a namespace that knows no IPv6, whose connections are tracked from their first packet on. */
export async function makeNamespace(namespace: string): Promise<void> {
  if ((await namespaceState(namespace)) === 'half-made')
    await runCommand('ip', ['netns', 'delete', namespace])
  if ((await namespaceState(namespace)) === 'absent') {
    const args = ['netns', 'add', namespace]
    const added = await tryCommand('ip', args)
    // Another server of this installation may have been faster.
    if (added.code !== 0 && (await namespaceState(namespace)) !== 'present') {
      throw commandFailure('ip', added)
    }
  }
  await setKernel(namespace, NAMESPACE_SETTINGS)
  await runCommand('ip', ['-n', namespace, 'link', 'set', 'dev', 'lo', 'up'])
}

/**
 * Makes a project's namespace, its firewall and its bridge; whatever of them is there already stays as it is.
 * @param transit its way to the edge router, if it is to have one
 */
export async function ensureNamespace(
  namespace: string,
  network: ProjectNetwork,
  transit: Transit | null,
): Promise<void> {
  const { address, prefix } = parseGateway(network.gateway)
  await makeNamespace(namespace)
  await loadRules(namespace, compileRuleset(network, transit, []))
  const links = await listLinks(namespace)
  const ip = (...args: string[]) => runCommand('ip', ['-n', namespace, ...args])
  const mac = gatewayMac(namespace)
  if (!links.some((link) => link.ifname === BRIDGE)) await ip('link', 'add', 'name', BRIDGE, 'type', 'bridge')
  // Without an address of its own the bridge takes its lowest port's, and guests lose their gateway as ports come
  // and go. Setting it, even to what it is, makes the kernel forget every neighbour.
  if (links.find((link) => link.ifname === BRIDGE)?.address !== mac)
    await ip('link', 'set', 'dev', BRIDGE, 'address', mac)
  await ip('link', 'set', 'dev', BRIDGE, 'type', 'bridge', 'mcast_snooping', '0')
  await setKernel(namespace, BRIDGE_SETTINGS)
  await ip('address', 'replace', `${address}/${prefix}`, 'dev', BRIDGE)
  await dropOtherAddresses(namespace, BRIDGE, `${address}/${prefix}`)
  await ip('link', 'set', 'dev', BRIDGE, 'up')
}

/**
 * Deletes the namespace with all that is in it. Throws a HostError that names the processes still
 * inside: they would live on in a network that nobody can find any more.
 */
export async function removeNamespace(namespace: string): Promise<void> {
  const state = await namespaceState(namespace)
  if (state === 'absent') return
  if (state === 'present') {
    const deadline = Date.now() + 2000
    let inside = await processesInside(namespace)
    while (inside.length > 0 && Date.now() < deadline) {
      await delay(50)
      inside = await processesInside(namespace)
    }
    if (inside.length > 0) {
      const message = `The network namespace ${namespace} is still used by ${inside.join(', ')}.`
      throw new HostError(`${message} It is removed once they have ended.`)
    }
  }
  const args = ['netns', 'delete', namespace]
  const deleted = await tryCommand('ip', args)
  if (deleted.code !== 0 && (await namespaceState(namespace)) !== 'absent') {
    throw commandFailure('ip', deleted)
  }
}

/** What tells `ip` and `bridge` which namespace to work in; null: this process's own. */
export function inNamespace(namespace: string | null): string[] {
  return namespace === null ? [] : ['-n', namespace]
}

/** Loads one nftables transaction in the namespace. */
export async function loadRules(namespace: string, document: NftDocument): Promise<void> {
  const input = JSON.stringify(document)
  await runCommand('ip', ['netns', 'exec', namespace, 'nft', '-j', '-f', '-'], { inputFile: input })
}

/** Everything that nftables has in the namespace, as it lists it; nothing where there is no namespace. */
export async function readRuleset(namespace: string): Promise<readonly NftObject[]> {
  if ((await namespaceState(namespace)) !== 'present') return []
  const args = ['netns', 'exec', namespace, 'nft', '-j', 'list', 'ruleset']
  const text = await runCommand('ip', args, { maxOutput: MAX_LISTING })
  return (JSON.parse(text) as NftDocument).nftables
}

/** Every network device in the namespace (null: this process's own), the loopback device included. */
export async function listLinks(namespace: string | null): Promise<NetworkLink[]> {
  const text = await runCommand('ip', [...inNamespace(namespace), '-details', '-json', 'address', 'show'])
  return JSON.parse(text) as NetworkLink[]
}

/** Leaves a device no IPv4 address but one, given with its prefix length. */
export async function dropOtherAddresses(namespace: string, device: string, keep: string): Promise<void> {
  const link = (await listLinks(namespace)).find(({ ifname }) => ifname === device)
  for (const cidr of addressesOf(link))
    if (cidr !== keep) await runCommand('ip', ['-n', namespace, 'address', 'delete', cidr, 'dev', device])
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

function addressesOf(link: NetworkLink | undefined): string[] {
  const ipv4 = (link?.addr_info ?? []).filter(({ family }) => family === 'inet')
  return ipv4.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
}

async function processesInside(namespace: string): Promise<string[]> {
  const pids = await runCommand('ip', ['netns', 'pids', namespace])
  const names = pids
    .split('\n')
    .filter((pid) => pid !== '')
    .slice(0, 20)
    .map(async (pid) => {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => null)
      return name === null ? null : `${name.trim()} (pid ${pid})`
    })
  return (await Promise.all(names)).filter((name) => name !== null)
}
