import { runCommand } from '../host/run-command.ts'
import { projectDevice, TRANSIT_GATEWAY, UPLINK_DEVICE, type Edge } from './bridge-uplink.ts'
import { ROUTER_UPLINK_SETTINGS, setKernel, UPLINK_SETTINGS } from './kernel-settings.ts'
import { gatewayMac } from './network-names.ts'
import { inNamespace, listLinks, namespaceState } from './project-namespace.ts'

/** Plugs the edge router into the operator's bridge, unless it is; the router's end stays down when it is new. */
export async function ensureUplinkCable({ name, port, uplink }: Edge): Promise<void> {
  const outside = (...args: string[]) => runCommand('ip', [...inNamespace(uplink.namespace), ...args])
  const inner = (await listLinks(name)).find(({ ifname }) => ifname === UPLINK_DEVICE)
  const outer = (await listLinks(uplink.namespace)).find(({ ifname }) => ifname === port)
  if (inner === undefined || outer === undefined) {
    if (inner) await runCommand('ip', ['-n', name, 'link', 'delete', 'dev', UPLINK_DEVICE])
    if (outer) await outside('link', 'delete', 'dev', port)
    const peer = ['peer', 'name', UPLINK_DEVICE, 'address', gatewayMac(name), 'netns', name]
    await outside('link', 'add', 'name', port, 'type', 'veth', ...peer)
  }
  await setKernel(name, ROUTER_UPLINK_SETTINGS)
  // The operator's side gets no address of its own, not even IPv6's link-local one.
  await outside('link', 'set', 'dev', port, 'addrgenmode', 'none')
  if (outer?.master !== uplink.bridge) await outside('link', 'set', 'dev', port, 'master', uplink.bridge)
  await outside('link', 'set', 'dev', port, 'up')
}

/** Lays the cable between a project and the edge router, unless it is there, with the project's way out by it. */
export async function ensureProjectCable(
  { name }: Edge,
  namespace: string,
  networkKey: string,
  transitAddress: string,
): Promise<void> {
  const cable = projectDevice(networkKey)
  const router = (...args: string[]) => runCommand('ip', ['-n', name, ...args])
  const project = (...args: string[]) => runCommand('ip', ['-n', namespace, ...args])
  const atRouter = (await listLinks(name)).some(({ ifname }) => ifname === cable)
  const atProject = (await listLinks(namespace)).some(({ ifname }) => ifname === UPLINK_DEVICE)
  if (!atRouter || !atProject) {
    if (atRouter) await router('link', 'delete', 'dev', cable)
    if (atProject) await project('link', 'delete', 'dev', UPLINK_DEVICE)
    const peer = ['peer', 'name', UPLINK_DEVICE, 'netns', namespace]
    await router('link', 'add', 'name', cable, 'type', 'veth', ...peer)
  }
  await router('address', 'replace', TRANSIT_GATEWAY, 'peer', transitAddress, 'dev', cable)
  await router('link', 'set', 'dev', cable, 'up')
  await setKernel(namespace, UPLINK_SETTINGS)
  await project('address', 'replace', transitAddress, 'peer', TRANSIT_GATEWAY, 'dev', UPLINK_DEVICE)
  await project('link', 'set', 'dev', UPLINK_DEVICE, 'up')
  await project('route', 'replace', 'default', 'via', TRANSIT_GATEWAY, 'dev', UPLINK_DEVICE)
}

/** Deletes a device of a namespace (null: this process's own), where both are there. */
export async function removeDevice(namespace: string | null, device: string): Promise<void> {
  if (namespace !== null && (await namespaceState(namespace)) !== 'present') return
  if ((await listLinks(namespace)).some(({ ifname }) => ifname === device))
    await runCommand('ip', [...inNamespace(namespace), 'link', 'delete', 'dev', device])
}
