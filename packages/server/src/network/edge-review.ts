import type { CensusEntry } from '@berth/contract/host/census'
import { projectDevice, TRANSIT_GATEWAY, UPLINK_DEVICE, type Edge } from './bridge-uplink.ts'
import { compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { hostAddresses, leadsToProject, readAnnounced, readRoutes, type Route } from './edge-state.ts'
import {
  NAMESPACE_SETTINGS,
  ROUTER_SETTINGS,
  ROUTER_UPLINK_SETTINGS,
  settingDifferences,
} from './kernel-settings.ts'
import { parseGateway } from './network-names.ts'
import type { NftObject } from './nft-json.ts'
import { addressDifferences, listLinks, namespaceState, readRuleset } from './project-namespace.ts'
import { chainListing, RulesComparison } from './rules-comparison.ts'
import { surplusNames } from './surplus-rules.ts'
import { readWayTable, type WayTable } from './translation-rules.ts'

/** Looks at what an edge router is on the host. */
export class EdgeReview {
  readonly #edge: Edge
  readonly #comparison = new RulesComparison()

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /**
   * What of the router, and of a project's way to it, is missing or other than it should be.
   * @param project what nft lists of the project's namespace
   */
  async differences(
    namespace: string,
    project: readonly NftObject[],
    networkKey: string,
    transitAddress: string,
  ): Promise<string[]> {
    const { name } = this.#edge
    if ((await namespaceState(name)) !== 'present') return [`namespace ${name}`]
    const announced = await readAnnounced(name)
    const routes = await readRoutes(name)
    const present = await readRuleset(name)
    const wanted = readWayTable(project)
    return [
      ...(await this.#deviceDifferences(networkKey)),
      ...(await settingDifferences(name, SETTINGS)),
      ...(await this.#ruleDifferences(present)),
      ...(await this.#routeDifferences(namespace, networkKey, transitAddress, routes)),
      ...(await this.#addressDifferences(networkKey, routes, announced, wanted)),
      ...forwardDifferences(transitAddress, present, wanted),
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
      if (!leadsToProject({ to, via, device })) continue
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
      ...addressDifferences(
        name,
        UPLINK_DEVICE,
        inner.find(({ ifname }) => ifname === UPLINK_DEVICE),
        `${uplink.edgeAddress}/${parseGateway(uplink.gateway).prefix}`,
      ),
    ]
  }

  async #ruleDifferences(present: readonly NftObject[]): Promise<string[]> {
    const { name, uplink } = this.#edge
    const document = compileEdgeRuleset({
      ...uplink,
      hostAddresses: await hostAddresses([null, uplink.namespace]),
    })
    const listing = (objects: readonly NftObject[]) => chainListing(objects, () => true)
    const differing = await this.#comparison.differences(present, document, listing)
    return [
      ...differing.map((chain) => `rules ${name}/${chain}`),
      ...surplusNames(present, document).map((surplus) => `${surplus} in ${name}`),
    ]
  }

  async #routeDifferences(
    namespace: string,
    networkKey: string,
    transitAddress: string,
    routes: readonly Route[],
  ): Promise<string[]> {
    const { name, uplink } = this.#edge
    const cable = projectDevice(networkKey)
    const next = parseGateway(uplink.gateway).address
    const ways = await readRoutes(namespace)
    return [
      ...(routes.some(({ to, device }) => to === transitAddress && device === cable)
        ? []
        : [`route to ${transitAddress}`]),
      ...(routes.some(({ to, via }) => to === 'default' && via === next) ? [] : [`route from ${name}`]),
      ...(ways.some(({ to, via }) => to === 'default' && via === TRANSIT_GATEWAY)
        ? []
        : [`route from ${namespace}`]),
    ]
  }

  /** Compares the public addresses that lead to the project, and those that lead nowhere, with those of its guests. */
  async #addressDifferences(
    networkKey: string,
    routes: readonly Route[],
    announced: readonly string[],
    { publicAddresses }: WayTable,
  ): Promise<string[]> {
    const cable = projectDevice(networkKey)
    const own = routes.filter((route) => leadsToProject(route) && route.device === cable).map(({ to }) => to)
    const led = new Set(routes.filter(leadsToProject).map(({ to }) => to))
    const wanted = [...publicAddresses.keys()]
    const stray = announced.filter((to) => !led.has(to) && !publicAddresses.has(to))
    // Another project's address that has just been given up was muted before its route went.
    const still = stray.length > 0 ? await readAnnounced(this.#edge.name) : []
    return [
      ...wanted.filter((to) => !own.includes(to)).map((to) => `route to ${to}`),
      ...wanted.filter((to) => !announced.includes(to)).map((to) => `ARP for ${to}`),
      ...own.filter((to) => !publicAddresses.has(to)).map((to) => `surplus route to ${to}`),
      ...stray.filter((to) => still.includes(to)).map((to) => `surplus ARP for ${to}`),
    ]
  }

  #outerName(): string {
    const { port, uplink } = this.#edge
    return uplink.namespace === null ? port : `${uplink.namespace}/${port}`
  }
}

/** What the kernel is told of the router's namespace. */
const SETTINGS = [...NAMESPACE_SETTINGS, ...ROUTER_SETTINGS, ...ROUTER_UPLINK_SETTINGS]

/** Compares the forwards that the router leads to the project with those that the project's namespace leads on. */
function forwardDifferences(
  transitAddress: string,
  present: readonly NftObject[],
  wanted: WayTable,
): string[] {
  const forwards = readEdgeForwards(present)
    .filter(({ leadsTo }) => leadsTo === transitAddress)
    .map(({ key }) => key)
  return [
    ...[...wanted.forwards.keys()].filter((key) => !forwards.includes(key)).map((key) => `forward ${key}`),
    ...forwards.filter((key) => !wanted.forwards.has(key)).map((key) => `surplus forward ${key}`),
  ]
}
