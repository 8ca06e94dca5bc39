import { HostError } from '@berth/contract/host/host-error'
import type { Transit } from './bridge-uplink.ts'
import type { GuestPolicy } from './guest-policy.ts'
import { differencesOf, type NetworkDifference } from './network-difference.ts'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { BRIDGE } from './network-names.ts'
import {
  addressDifferences,
  listLinks,
  loadRules,
  namespaceState,
  readRuleset,
  type NetworkLink,
} from './project-namespace.ts'
import { compilePortRemoval, compileRuleset } from './ruleset.ts'
import { readWayTable } from './translation-rules.ts'
import { runCommand, tryCommand } from '../host/run-command.ts'

/**
 * Creates the port's persistent tap unless it is there, and lets `user` open it without privileges.
 * @throws HostError while the guest of another instance, which was given up or forgotten, runs on it
 */
export async function ensureTap(namespace: string, port: GuestPort, user: string): Promise<void> {
  const ip = (...args: string[]) => runCommand('ip', ['-n', namespace, ...args])
  const present = (await listLinks(namespace)).find((link) => link.ifname === port.tap)
  if (present !== undefined) {
    if (isOthers(present, port) && present.flags.includes('LOWER_UP')) throw takenPort(namespace, present)
    const info = present.linkinfo
    const ours = info?.info_kind === 'tun' && info.info_data?.type === 'tap'
    // A tap that carries a running guest is left alone, whoever owns it.
    if (ours && (info.info_data?.user === user || present.flags.includes('LOWER_UP'))) return
    await ip('link', 'delete', 'dev', port.tap)
  }
  await ip('tuntap', 'add', 'dev', port.tap, 'mode', 'tap', 'user', user)
}

/** Loads the port's rules, then joins its device to the bridge. */
export async function attachPort(
  namespace: string,
  network: ProjectNetwork,
  transit: Transit | null,
  port: GuestPort,
  policy: GuestPolicy,
): Promise<void> {
  const present = readWayTable(transit === null ? [] : await readRuleset(namespace))
  await loadRules(namespace, compileRuleset(network, transit, [{ ...port, policy }], present))
  await joinPort(namespace, port)
}

/** What the bridge is told of every port, and its words for it in JSON. */
const BRIDGE_FLAGS = {
  isolated: true,
  learning: false,
  flood: false,
  mcast_flood: false,
  bcast_flood: true,
} as const

/**
 * Joins the port's device (a tap, or any other of that name), whose rules are loaded, to the bridge.
 *
 * The port is isolated and learns nothing: the guest's MAC and its neighbour entry are written by us, so
 * a frame for the guest goes to its port only, is never flooded to the others, and no guest can claim
 * another's place. Broadcasts from the gateway still reach every port.
 */
export async function joinPort(namespace: string, port: GuestPort): Promise<void> {
  const dev = ['dev', port.tap]
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'alias', port.instanceId])
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'master', BRIDGE])
  const flags = Object.entries(BRIDGE_FLAGS).flatMap(([name, on]) => [name, on ? 'on' : 'off'])
  await runCommand('bridge', ['-n', namespace, 'link', 'set', ...dev, ...flags])
  await runCommand('bridge', ['-n', namespace, 'fdb', 'replace', port.mac, ...dev, 'master', 'static'])
  const neighbour = [port.address, 'lladdr', port.mac, 'dev', BRIDGE, 'nud', 'permanent']
  await runCommand('ip', ['-n', namespace, 'neighbour', 'replace', ...neighbour])
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'up'])
}

/** What of the bridge, of the port's device and of its entries in tables is not as `joinPort` finds or leaves it. */
export async function joinDifferences(
  namespace: string,
  network: ProjectNetwork,
  port: GuestPort,
): Promise<NetworkDifference[]> {
  if ((await namespaceState(namespace)) !== 'present')
    return differencesOf('project', [`namespace ${namespace}`])
  const links = await listLinks(namespace)
  const bridge = links.find(({ ifname }) => ifname === BRIDGE)
  if (bridge?.flags.includes('UP') !== true)
    return differencesOf('project', [`device ${namespace}/${BRIDGE}`])
  const link = links.find(({ ifname }) => ifname === port.tap)
  return [
    ...differencesOf('project', addressDifferences(namespace, BRIDGE, bridge, network.gateway)),
    ...differencesOf('guest', link ? await placeDifferences(namespace, port, link) : [`device ${port.tap}`]),
  ]
}

async function placeDifferences(namespace: string, port: GuestPort, link: NetworkLink): Promise<string[]> {
  const flags = link.linkinfo?.info_slave_data ?? {}
  const args = ['-n', namespace, '-json', 'neighbour', 'show', port.address, 'dev', BRIDGE]
  const [neighbour] = JSON.parse(await runCommand('ip', args)) as { lladdr?: string; state?: string[] }[]
  const isKnown = neighbour?.lladdr === port.mac && neighbour.state?.includes('PERMANENT') === true
  const isFlagged = Object.entries(BRIDGE_FLAGS).every(([name, on]) => flags[name] === on)
  return [
    ...(link.master === BRIDGE && link.flags.includes('UP') ? [] : [`device ${port.tap}`]),
    ...(isFlagged ? [] : [`bridge port ${port.tap}`]),
    ...(isKnown ? [] : [`neighbour ${port.address}`]),
    ...((await hasBridgeEntry(namespace, port)) ? [] : [`bridge entry ${port.mac}`]),
  ]
}

/** Whether the bridge knows, for good, that the guest's frames go to its port. */
async function hasBridgeEntry(namespace: string, { mac, tap }: GuestPort): Promise<boolean> {
  const text = await runCommand('bridge', ['-n', namespace, '-json', 'fdb', 'show', 'dev', tap])
  const entries = JSON.parse(text) as { mac: string; master?: string; state?: string }[]
  return entries.some((entry) => entry.mac === mac && entry.master === BRIDGE && entry.state === 'static')
}

/** Removes the port's device, its neighbour entry and its rules, unless another instance has the place by now. */
export async function removeGuestPort(namespace: string, port: GuestPort): Promise<void> {
  if ((await namespaceState(namespace)) !== 'present') return
  const present = (await listLinks(namespace)).find((link) => link.ifname === port.tap)
  if (present && isOthers(present, port)) return
  if (present) await runCommand('ip', ['-n', namespace, 'link', 'delete', 'dev', port.tap])
  // Fails when the entry or the bridge is gone already, which is what is wanted.
  await tryCommand('ip', ['-n', namespace, 'neighbour', 'delete', port.address, 'dev', BRIDGE])
  const objects = await readRuleset(namespace)
  const translated = objects.some(({ map }) => (map as { name?: string } | undefined)?.name === 'public')
  await loadRules(namespace, compilePortRemoval(port, translated ? readWayTable(objects) : null))
}

/** A port that is being made has no alias yet. */
function isOthers({ ifalias }: NetworkLink, port: GuestPort): boolean {
  return ifalias !== undefined && ifalias !== port.instanceId
}

function takenPort(namespace: string, { ifname, ifalias }: NetworkLink): HostError {
  return new HostError(
    `The guest of another instance, ${ifalias}, runs on ${namespace}/${ifname}. ` +
      'End its process, which berth census names.',
  )
}
