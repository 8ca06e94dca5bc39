import { statfs, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { HostError } from '@berth/contract/host/host-error'
import { addressLines, upLine, type IpLine } from './ip-batch.ts'
import { addressesOf, isUp, linkOf, type NamespaceLook } from './namespace-look.ts'
import type { ProjectNetwork } from './network-driver.ts'
import { BRIDGE, gatewayMac, parseGateway } from './network-names.ts'
import { MAX_LISTING, type NftDocument, type NftObject } from './nft-json.ts'
import { commandFailure, runCommand, tryCommand } from '../host/run-command.ts'

/** statfs(2) type of a namespace file, NSFS_MAGIC in linux/magic.h. */
const NSFS_MAGIC = 0x6e736673

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

/** Makes a namespace, unless it is there. */
export async function makeNamespace(namespace: string): Promise<void> {
  const before = await namespaceState(namespace)
  if (before === 'present') return
  if (before === 'half-made') await runCommand('ip', ['netns', 'delete', namespace])
  const added = await tryCommand('ip', ['netns', 'add', namespace])
  // Another server of this installation may have been faster.
  if (added.code !== 0 && (await namespaceState(namespace)) !== 'present') throw commandFailure('ip', added)
}

/** What makes a project's bridge; nothing when it is there. */
export function bridgeLines(namespace: string, { links }: NamespaceLook): IpLine[] {
  const mac = gatewayMac(namespace)
  const bridge = linkOf(links, BRIDGE)
  if (bridge === undefined) {
    const kind = ['type', 'bridge', 'mcast_snooping', '0']
    return [['link', 'add', 'name', BRIDGE, 'address', mac, ...kind]]
  }
  return [
    // Without an address of its own the bridge takes its lowest port's, and guests lose their gateway as ports come
    // and go. Setting it, even to what it is, makes the kernel forget every neighbour.
    ...(bridge.address === mac ? [] : [['link', 'set', 'dev', BRIDGE, 'address', mac]]),
    ...(bridge.linkinfo?.info_data?.mcast_snooping === 0
      ? []
      : [['link', 'set', 'dev', BRIDGE, 'type', 'bridge', 'mcast_snooping', '0']]),
  ]
}

/** What puts a project's bridge to work, once its kernel settings are made; nothing when it is. */
export function gatewayLines({ links }: NamespaceLook, { gateway }: ProjectNetwork): IpLine[] {
  const bridge = linkOf(links, BRIDGE)
  const { address, prefix } = parseGateway(gateway)
  const own = `${address}/${prefix}`
  const isWhole = isUp(bridge) && addressesOf(bridge).join() === own
  return [
    ...(isUp(linkOf(links, 'lo')) ? [] : [upLine('lo')]),
    ...(isWhole ? [] : [...addressLines(bridge, BRIDGE, own), upLine(BRIDGE)]),
  ]
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
