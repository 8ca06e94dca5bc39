import type { CensusEntry } from '@berth/contract/host/census'
import { projectDevice, TRANSIT_GATEWAY, UPLINK_DEVICE, type Edge } from './bridge-uplink.ts'
import { compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { hostAddresses, readAnnounced, readRoutes } from './edge-state.ts'
import { parseGateway } from './network-names.ts'
import type { NftObject } from './nft-json.ts'
import { listLinks, namespaceState, readRuleset } from './project-namespace.ts'
import { chainListing, RulesComparison } from './rules-comparison.ts'
import { readWayTable } from './translation-rules.ts'

/** Looks at what an edge router is on the host. */
export class EdgeReview {
  readonly #edge: Edge
  readonly #comparison = new RulesComparison()

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /** What of the router, and of a project's way to it, is missing or other than it should be. */
  async differences(namespace: string, networkKey: string, transitAddress: string): Promise<string[]> {
    const { name } = this.#edge
    if ((await namespaceState(name)) !== 'present') return [`namespace ${name}`]
    return [
      ...(await this.#deviceDifferences(networkKey)),
      ...(await this.#ruleDifferences()),
      ...(await this.#leadDifferences(namespace, networkKey, transitAddress)),
    ]
  }

  /** Everything of the router that is on the host. */
  async census(): Promise<CensusEntry[]> {
    const { name, port, uplink } = this.#edge
    // The operator may have taken the bridge's namespace away, and all in it.
    const outer = await listLinks(uplink.namespace).catch(() => [])
    const cable = outer.some(({ ifname }) => ifname === port)
    const entries: CensusEntry[] = cable ? [{ kind: 'veth', name: this.#outerName() }] : []
    const state = await namespaceState(name)
    if (state !== 'absent') entries.push({ kind: 'namespace', name })
    if (state !== 'present') return entries
    for (const { to, via, device } of await readRoutes(name)) {
      if (via === null || !device.startsWith(projectDevice(''))) continue
      entries.push({ kind: 'public-address', name: to, owner: device.slice(projectDevice('').length) })
    }
    return entries
  }

  async #deviceDifferences(networkKey: string): Promise<string[]> {
    const { name, port, uplink } = this.#edge
    const outer = (await listLinks(uplink.namespace)).find(({ ifname }) => ifname === port)
    const inner = await listLinks(name)
    const isUp = (device: string) =>
      inner.find(({ ifname }) => ifname === device)?.flags.includes('UP') === true
    const cable = projectDevice(networkKey)
    return [
      ...(outer?.master === uplink.bridge && outer.flags.includes('UP')
        ? []
        : [`device ${this.#outerName()}`]),
      ...[UPLINK_DEVICE, cable].filter((device) => !isUp(device)).map((device) => `device ${name}/${device}`),
    ]
  }

  async #ruleDifferences(): Promise<string[]> {
    const { name, uplink } = this.#edge
    const document = compileEdgeRuleset({
      ...uplink,
      hostAddresses: await hostAddresses([null, uplink.namespace]),
    })
    const listing = (objects: readonly NftObject[]) => chainListing(objects, () => true)
    const differing = await this.#comparison.differences(name, document, listing)
    return differing.map((chain) => `rules ${name}/${chain}`)
  }

  /** Compares what the router leads to the project with what the project's namespace leads on. */
  async #leadDifferences(namespace: string, networkKey: string, transitAddress: string): Promise<string[]> {
    const { name, uplink } = this.#edge
    const cable = projectDevice(networkKey)
    const routes = await readRoutes(name)
    const hasRoute = (to: string, device: string) =>
      routes.some((route) => route.to === to && route.device === device)
    const next = parseGateway(uplink.gateway).address
    const wanted = readWayTable(await readRuleset(namespace))
    const announced = await readAnnounced(name)
    const own = routes.filter(({ device, via }) => device === cable && via !== null).map(({ to }) => to)
    const forwards = readEdgeForwards(await readRuleset(name))
      .filter(({ leadsTo }) => leadsTo === transitAddress)
      .map(({ key }) => key)
    const addresses = [...wanted.publicAddresses.keys()]
    const ways = await readRoutes(namespace)
    return [
      ...(hasRoute(transitAddress, cable) ? [] : [`route to ${transitAddress}`]),
      ...(routes.some(({ to, via }) => to === 'default' && via === next) ? [] : [`route from ${name}`]),
      ...(ways.some(({ to, via }) => to === 'default' && via === TRANSIT_GATEWAY)
        ? []
        : [`route from ${namespace}`]),
      ...addresses.filter((to) => !hasRoute(to, cable)).map((to) => `route to ${to}`),
      ...addresses.filter((to) => !announced.includes(to)).map((to) => `ARP for ${to}`),
      ...own.filter((to) => !wanted.publicAddresses.has(to)).map((to) => `surplus route to ${to}`),
      ...[...wanted.forwards.keys()].filter((key) => !forwards.includes(key)).map((key) => `forward ${key}`),
      ...forwards.filter((key) => !wanted.forwards.has(key)).map((key) => `surplus forward ${key}`),
    ]
  }

  #outerName(): string {
    const { port, uplink } = this.#edge
    return uplink.namespace === null ? port : `${uplink.namespace}/${port}`
  }
}
