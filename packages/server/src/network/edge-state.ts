import { runCommand } from '../host/run-command.ts'
import { projectDevice, UPLINK_DEVICE } from './bridge-uplink.ts'
import { inNamespace } from './project-namespace.ts'

/** A route of a namespace's main table. */
export interface Route {
  /** An address, a network or `default`. */
  readonly to: string
  /** Null when `to` is right at the device. */
  readonly via: string | null
  readonly device: string
}

export async function readRoutes(namespace: string): Promise<Route[]> {
  const text = await runCommand('ip', ['-n', namespace, '-json', '-4', 'route', 'show'])
  const routes = JSON.parse(text) as { dst: string; gateway?: string; dev?: string }[]
  return routes.map(({ dst, gateway, dev }) => ({ to: dst, via: gateway ?? null, device: dev ?? '' }))
}

/** Whether a route of the edge router's leads a public address to a project. */
export function leadsToProject({ via, device }: Route): boolean {
  return via !== null && device.startsWith(projectDevice(''))
}

/** The addresses that the edge router answers ARP for on behalf of others. */
export async function readAnnounced(namespace: string): Promise<string[]> {
  const args = ['-n', namespace, '-json', '-4', 'neighbour', 'show', 'proxy']
  const proxies = JSON.parse(await runCommand('ip', args)) as { dst: string; dev?: string }[]
  return proxies.filter(({ dev }) => dev === UPLINK_DEVICE).map(({ dst }) => dst)
}

/** The IPv4 addresses of namespaces (null: this process's own), each once. */
export async function hostAddresses(namespaces: readonly (string | null)[]): Promise<string[]> {
  const found = await Promise.all(
    [...new Set(namespaces)].map(async (namespace) => {
      const text = await runCommand('ip', [...inNamespace(namespace), '-json', '-4', 'address', 'show'])
      const links = JSON.parse(text) as { addr_info?: { local?: string }[] }[]
      return links.flatMap(({ addr_info = [] }) => addr_info.flatMap(({ local }) => local ?? []))
    }),
  )
  return [...new Set(found.flat())].toSorted()
}
