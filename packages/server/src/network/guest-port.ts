import { HostError } from '@berth/contract/host/host-error'
import { differencesOf, type NetworkDifference } from './network-difference.ts'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { BRIDGE } from './network-names.ts'
import { runIp, upLine, type IpLine } from './ip-batch.ts'
import {
  addressDifferences,
  isUp,
  linkOf,
  lookAt,
  type NamespaceLook,
  type NetworkLink,
} from './namespace-look.ts'
import { loadRules, namespaceState, readRuleset } from './project-namespace.ts'
import { compilePortRemoval } from './ruleset.ts'
import { readWayTable } from './translation-rules.ts'
import { runCommand } from '../host/run-command.ts'

/**
 * What creates the port's persistent tap unless it is there, for `user` to open without privileges; and the tap as it
 * is, if it stays.
 * @throws HostError while the guest of another instance, which was given up or forgotten, runs on it
 */
export function tapLines(
  namespace: string,
  { links }: NamespaceLook,
  port: GuestPort,
  user: string,
): { lines: IpLine[]; link: NetworkLink | undefined } {
  const present = linkOf(links, port.tap)
  const creation = ['tuntap', 'add', 'dev', port.tap, 'mode', 'tap', 'user', user]
  if (present === undefined) return { lines: [creation], link: undefined }
  const carries = present.flags.includes('LOWER_UP')
  if (isOthers(present, port) && carries) throw takenPort(namespace, present)
  const info = present.linkinfo
  const ours = info?.info_kind === 'tun' && info.info_data?.type === 'tap'
  // A tap that carries a running guest is left alone, whoever owns it.
  if (ours && (info.info_data?.user === user || carries)) return { lines: [], link: present }
  return { lines: [['link', 'delete', 'dev', port.tap], creation], link: undefined }
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
 * @param look what the namespace is like
 * @param tap what creates the device, and what it is like if it is there
 */
export async function joinPort(
  namespace: string,
  look: NamespaceLook,
  port: GuestPort,
  tap: { lines: readonly IpLine[]; link: NetworkLink | undefined },
): Promise<void> {
  const set = ['link', 'set', 'dev', port.tap]
  const flags = Object.entries(BRIDGE_FLAGS).flatMap(([name, on]) => [name, on ? 'on' : 'off'])
  const isJoined = tap.link?.ifalias === port.instanceId && isAttached(tap.link) && isFlagged(tap.link)
  const neighbour = [port.address, 'lladdr', port.mac, 'dev', BRIDGE, 'nud', 'permanent']
  await runIp(namespace, [
    ...tap.lines,
    ...(isJoined
      ? []
      : [
          [...set, 'alias', port.instanceId],
          [...set, 'master', BRIDGE],
          [...set, 'type', 'bridge_slave', ...flags],
        ]),
    ...(isKnown(look, port) ? [] : [['neighbour', 'replace', ...neighbour]]),
    ...(isJoined ? [] : [upLine(port.tap)]),
  ])
  // Until then frames for the guest find no port.
  const entry = ['fdb', 'replace', port.mac, 'dev', port.tap, 'master', 'static']
  await runCommand('bridge', ['-n', namespace, ...entry])
}

/** What of the bridge, of the port's device and of its entries in tables is not as `joinPort` finds or leaves it. */
export async function joinDifferences(
  namespace: string,
  { links, ...look }: NamespaceLook,
  network: ProjectNetwork,
  port: GuestPort,
): Promise<NetworkDifference[]> {
  const bridge = linkOf(links, BRIDGE)
  if (!isUp(bridge)) return differencesOf('project', [`device ${namespace}/${BRIDGE}`])
  const link = linkOf(links, port.tap)
  const place = async (tap: NetworkLink) => [
    ...(isAttached(tap) ? [] : [`device ${port.tap}`]),
    ...(isFlagged(tap) ? [] : [`bridge port ${port.tap}`]),
    ...(isKnown(look, port) ? [] : [`neighbour ${port.address}`]),
    ...((await hasBridgeEntry(namespace, port)) ? [] : [`bridge entry ${port.mac}`]),
  ]
  return [
    ...differencesOf('project', addressDifferences(namespace, BRIDGE, bridge, network.gateway)),
    ...differencesOf('guest', link ? await place(link) : [`device ${port.tap}`]),
  ]
}

function isAttached({ master, flags }: NetworkLink): boolean {
  return master === BRIDGE && flags.includes('UP')
}

function isFlagged({ linkinfo }: NetworkLink): boolean {
  const flags = linkinfo?.info_slave_data ?? {}
  return Object.entries(BRIDGE_FLAGS).every(([name, on]) => flags[name] === on)
}

function isKnown({ neighbours }: Pick<NamespaceLook, 'neighbours'>, { address, mac }: GuestPort): boolean {
  return neighbours.some(({ dst, dev, lladdr }) => dst === address && dev === BRIDGE && lladdr === mac)
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
  const [{ links, neighbours }, rules] = await Promise.all([lookAt(namespace), readRuleset(namespace)])
  const present = linkOf(links, port.tap)
  if (present && isOthers(present, port)) return
  const entry = neighbours.find(({ dst, dev }) => dst === port.address && dev === BRIDGE)
  await runIp(namespace, [
    ...(present ? [['link', 'delete', 'dev', port.tap]] : []),
    ...(entry ? [['neighbour', 'delete', port.address, 'dev', BRIDGE]] : []),
  ])
  const translated = rules.some(({ map }) => (map as { name?: string } | undefined)?.name === 'public')
  await loadRules(namespace, compilePortRemoval(port, translated ? readWayTable(rules) : null))
}

/** A port that is being made has no alias yet. */
function isOthers({ ifalias }: NetworkLink, port: GuestPort): boolean {
  return ifalias !== undefined && ifalias !== port.instanceId
}

function takenPort(namespace: string, { ifname, ifalias }: NetworkLink): HostError {
  return new HostError(
    `The guest of another instance, ${ifalias}, still runs on its network device; the operator has to end it.`,
    { remedy: `end the process that runs on ${namespace}/${ifname}; berth census names it` },
  )
}
