import { projectDevice, UPLINK_DEVICE, type BridgeUplink } from './bridge-uplink.ts'
import { listLinks, type NamespaceLook, type NetworkLink, type Route } from './namespace-look.ts'

/** Whether a route of the edge router's leads a public address to a project. */
export function leadsToProject({ via, device }: Route): boolean {
  return via !== null && device.startsWith(projectDevice(''))
}

/** The addresses that the edge router answers ARP for on behalf of others. */
export function announcedBy({ proxies }: NamespaceLook): string[] {
  return proxies.filter(({ dev }) => dev === UPLINK_DEVICE).map(({ dst }) => dst)
}

/** What the operator's side of an uplink is like. */
export interface OperatorSide {
  /** The devices of the namespace that the bridge is in. */
  readonly links: readonly NetworkLink[]
  /** The IPv4 addresses of that namespace and of this process's own, each once. */
  readonly addresses: readonly string[]
}

export async function lookAtOperator({ namespace }: Pick<BridgeUplink, 'namespace'>): Promise<OperatorSide> {
  const [links, own] = await Promise.all([listLinks(namespace), namespace === null ? [] : listLinks(null)])
  const infos = [...links, ...own].flatMap(({ addr_info = [] }) => addr_info)
  const addresses = infos.flatMap(({ family, local }) => (family === 'inet' ? [local] : []))
  return { links, addresses: [...new Set(addresses)].toSorted() }
}
