import { projectDevice, TRANSIT_GATEWAY, UPLINK_DEVICE, type Edge } from './bridge-uplink.ts'
import { addressLines, runIp, upLine, type IpLine } from './ip-batch.ts'
import {
  addressesOf,
  isUp,
  linkOf,
  listLinks,
  type NamespaceLook,
  type NetworkLink,
} from './namespace-look.ts'
import { bridgePortMac, gatewayMac, parseGateway } from './network-names.ts'
import { namespaceState } from './project-namespace.ts'

/**
 * Plugs the edge router into the operator's bridge, unless it is; the router's end stays down when it is new.
 * @param outer the devices of the operator's side
 * @param inner those of the router's
 * @returns the router's end as it was before, if it stays
 */
export async function ensureUplinkCable(
  { name, port, uplink }: Edge,
  outer: readonly NetworkLink[],
  inner: readonly NetworkLink[],
): Promise<NetworkLink | undefined> {
  const outside = linkOf(outer, port)
  const inside = linkOf(inner, UPLINK_DEVICE)
  const isWhole = outside !== undefined && inside !== undefined
  if (isWhole && outside.master === uplink.bridge && isUp(outside)) return inside
  if (inside && !outside) await runIp(name, [deletion(UPLINK_DEVICE)])
  const peer = ['peer', 'name', UPLINK_DEVICE, 'address', gatewayMac(name), 'netns', name]
  await runIp(uplink.namespace, [
    ...(outside && !inside ? [deletion(port)] : []),
    ...(isWhole
      ? []
      : [['link', 'add', 'name', port, 'address', bridgePortMac(port), 'type', 'veth', ...peer]]),
    // The operator's side gets no address of its own, not even IPv6's link-local one.
    ['link', 'set', 'dev', port, 'addrgenmode', 'none'],
    ['link', 'set', 'dev', port, 'master', uplink.bridge],
    upLine(port),
  ])
  return isWhole ? inside : undefined
}

/**
 * What gives the router its address and its way out; nothing when it has them.
 * @param device its end of the cable to the operator's bridge; undefined when that is new
 */
export function routerLines(
  { uplink }: Edge,
  device: NetworkLink | undefined,
  { links, routes }: NamespaceLook,
): IpLine[] {
  const { address: next, prefix } = parseGateway(uplink.gateway)
  const own = `${uplink.edgeAddress}/${prefix}`
  const leadsOut = routes.some(({ to, via }) => to === 'default' && via === next)
  const isWhole = isUp(device) && leadsOut && addressesOf(device).join() === own
  return [
    ...(isUp(linkOf(links, 'lo')) ? [] : [upLine('lo')]),
    ...(isWhole
      ? []
      : [
          ...addressLines(device, UPLINK_DEVICE, own),
          upLine(UPLINK_DEVICE),
          ['route', 'replace', 'default', 'via', next, 'dev', UPLINK_DEVICE],
        ]),
  ]
}

/** A cable between the edge router and a project. */
export interface ProjectCable {
  /** The router's end. */
  readonly device: string
  readonly atRouter: NetworkLink | undefined
  readonly atProject: NetworkLink | undefined
}

/** The cable as it is, if both ends are there. */
export function projectCable(
  networkKey: string,
  router: readonly NetworkLink[],
  project: readonly NetworkLink[],
): ProjectCable {
  const device = projectDevice(networkKey)
  return { device, atRouter: linkOf(router, device), atProject: linkOf(project, UPLINK_DEVICE) }
}

/** What lays the cable at the router's side, unless it is there; a half without the other must be gone. */
export function cableLines(
  { device, atRouter, atProject }: ProjectCable,
  namespace: string,
  transitAddress: string,
): IpLine[] {
  const isThere = atRouter !== undefined && atProject !== undefined
  if (isThere && isUp(atRouter) && hasPeer(atRouter, TRANSIT_GATEWAY, transitAddress)) return []
  const peer = ['peer', 'name', UPLINK_DEVICE, 'netns', namespace]
  return [
    ...(isThere ? [] : [['link', 'add', 'name', device, 'type', 'veth', ...peer]]),
    ['address', 'replace', TRANSIT_GATEWAY, 'peer', transitAddress, 'dev', device],
    upLine(device),
  ]
}

/** What gives a project its way out by its end of the cable; undefined: that is new. */
export function wayOutLines(
  device: NetworkLink | undefined,
  { routes }: NamespaceLook,
  transitAddress: string,
): IpLine[] {
  const leadsOut = routes.some(({ to, via }) => to === 'default' && via === TRANSIT_GATEWAY)
  if (isUp(device) && leadsOut && hasPeer(device, transitAddress, TRANSIT_GATEWAY)) return []
  return [
    ['address', 'replace', transitAddress, 'peer', TRANSIT_GATEWAY, 'dev', UPLINK_DEVICE],
    upLine(UPLINK_DEVICE),
    ['route', 'replace', 'default', 'via', TRANSIT_GATEWAY, 'dev', UPLINK_DEVICE],
  ]
}

export function deletion(device: string): IpLine {
  return ['link', 'delete', 'dev', device]
}

/** Deletes a device of a namespace (null: this process's own), where both are there. */
export async function removeDevice(namespace: string | null, device: string): Promise<void> {
  if (namespace !== null && (await namespaceState(namespace)) !== 'present') return
  if (linkOf(await listLinks(namespace), device)) await runIp(namespace, [deletion(device)])
}

function hasPeer(link: NetworkLink | undefined, own: string, peer: string): boolean {
  return (link?.addr_info ?? []).some(({ local, address }) => local === own && address === peer)
}
