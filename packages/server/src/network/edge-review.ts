import type { CensusEntry } from '@berth/contract/host/census'
import { projectDevice, TRANSIT_GATEWAY, UPLINK_DEVICE, type Edge } from './bridge-uplink.ts'
import { closedNetworks, readClosed } from './closed-networks.ts'
import { compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { announcedBy, leadsToProject, lookAtOperator, type OperatorSide } from './edge-state.ts'
import { EDGE_SETTINGS, settingDifferences } from './kernel-settings.ts'
import { addressDifferences, isUp, linkOf, listLinks, lookAt, type NamespaceLook } from './namespace-look.ts'
import { differencesOf, type NetworkDifference } from './network-difference.ts'
import { parseGateway } from './network-names.ts'
import type { NftObject } from './nft-json.ts'
import { namespaceState, readRuleset } from './project-namespace.ts'
import { chainListing, RulesComparison } from './rules-comparison.ts'
import { surplusNames } from './surplus-rules.ts'
import { readWayTable, type WayTable } from './translation-rules.ts'

/** Whose way to the router is looked at. */
interface Way {
  readonly networkKey: string
  /** The project's transit address. */
  readonly transit: string
  /** The guest's address; what is only missing to others of the project is theirs to find. */
  readonly guest: string
}

/** Looks at what an edge router is on the host. */
export class EdgeReview {
  readonly #edge: Edge
  readonly #comparison = new RulesComparison()

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /**
   * What of the router, and of a guest's way to it, is missing or other than it should be.
   * @param project what the project's namespace is like
   * @param rules what nft lists of it
   */
  async differences(
    namespace: string,
    project: NamespaceLook,
    rules: readonly NftObject[],
    way: Way,
  ): Promise<NetworkDifference[]> {
    const { name, uplink } = this.#edge
    if ((await namespaceState(name)) !== 'present') return differencesOf('edge', [`namespace ${name}`])
    const look = await lookAt(name)
    const [present, settings, outside] = await Promise.all([
      readRuleset(name),
      settingDifferences(name, EDGE_SETTINGS),
      lookAtOperator(uplink),
    ])
    const wanted = readWayTable(rules)
    return [
      ...this.#deviceDifferences(way, look, outside),
      ...differencesOf('edge', settings),
      ...(await this.#ruleDifferences(present, outside)),
      ...this.#routeDifferences(namespace, way, look, project),
      ...(await this.#addressDifferences(way, look, wanted)),
      ...forwardDifferences(way, present, wanted),
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
    for (const { to, via, device } of (await lookAt(name)).routes) {
      if (!leadsToProject({ to, via, device })) continue
      entries.push({ kind: 'public-address', name: to, owner: device.slice(projectDevice('').length) })
    }
    return entries
  }

  #deviceDifferences(
    { networkKey }: Way,
    { links }: NamespaceLook,
    outside: OperatorSide,
  ): NetworkDifference[] {
    const { name, port, uplink } = this.#edge
    const outer = linkOf(outside.links, port)
    const downOf = (device: string) => (isUp(linkOf(links, device)) ? [] : [`device ${name}/${device}`])
    return [
      ...differencesOf('edge', [
        ...(outer?.master === uplink.bridge && isUp(outer) ? [] : [`device ${this.#outerName()}`]),
        ...downOf(UPLINK_DEVICE),
        ...addressDifferences(
          name,
          UPLINK_DEVICE,
          linkOf(links, UPLINK_DEVICE),
          `${uplink.edgeAddress}/${parseGateway(uplink.gateway).prefix}`,
        ),
      ]),
      ...differencesOf('project', downOf(projectDevice(networkKey))),
    ]
  }

  async #ruleDifferences(
    present: readonly NftObject[],
    { addresses }: OperatorSide,
  ): Promise<NetworkDifference[]> {
    const { name, uplink } = this.#edge
    const closed = closedNetworks(addresses)
    const document = compileEdgeRuleset({ ...uplink, closed: readClosed(present) ?? closed })
    const listing = (objects: readonly NftObject[]) => chainListing(objects, () => true)
    const differing = await this.#comparison.differences(present, document, listing)
    const wanted = compileEdgeRuleset({ ...uplink, closed })
    const isOutdated = JSON.stringify(document) !== JSON.stringify(wanted)
    return [
      ...differencesOf('edge', [
        ...differing.map((chain) => `rules ${name}/${chain}`),
        ...surplusNames(present, document).map((surplus) => `${surplus} in ${name}`),
      ]),
      ...differencesOf('host', isOutdated ? [`rules ${name}: addresses of the host`] : []),
    ]
  }

  #routeDifferences(
    namespace: string,
    { networkKey, transit }: Way,
    { routes }: NamespaceLook,
    project: NamespaceLook,
  ): NetworkDifference[] {
    const { name, uplink } = this.#edge
    const cable = projectDevice(networkKey)
    const next = parseGateway(uplink.gateway).address
    const isThere = routes.some(({ to, device }) => to === transit && device === cable)
    const leadsBeyond = routes.some(({ to, via }) => to === 'default' && via === next)
    const leadsOut = project.routes.some(({ to, via }) => to === 'default' && via === TRANSIT_GATEWAY)
    return [
      ...differencesOf('project', isThere ? [] : [`route to ${transit}`]),
      ...differencesOf('edge', leadsBeyond ? [] : [`route from ${name}`]),
      ...differencesOf('project', leadsOut ? [] : [`route from ${namespace}`]),
    ]
  }

  /** Compares the public addresses that lead to the project, and those that lead nowhere, with those of its guests. */
  async #addressDifferences(
    { networkKey, guest }: Way,
    look: NamespaceLook,
    { publicAddresses }: WayTable,
  ): Promise<NetworkDifference[]> {
    const { routes } = look
    const announced = announcedBy(look)
    const cable = projectDevice(networkKey)
    const own = routes.filter((route) => leadsToProject(route) && route.device === cable).map(({ to }) => to)
    const led = new Set(routes.filter(leadsToProject).map(({ to }) => to))
    const wanted = [...publicAddresses].flatMap(([to, leadsTo]) => (leadsTo === guest ? [to] : []))
    const stray = announced.filter((to) => !led.has(to) && !publicAddresses.has(to))
    // Another project's address that has just been given up was muted before its route went.
    const still = stray.length > 0 ? announcedBy(await lookAt(this.#edge.name)) : []
    const surplus = own.filter((to) => !publicAddresses.has(to))
    return [
      ...differencesOf('guest', [
        ...wanted.filter((to) => !own.includes(to)).map((to) => `route to ${to}`),
        ...wanted.filter((to) => !announced.includes(to)).map((to) => `ARP for ${to}`),
      ]),
      ...differencesOf(
        'project',
        surplus.map((to) => `surplus route to ${to}`),
      ),
      ...differencesOf(
        'edge',
        stray.filter((to) => still.includes(to)).map((to) => `surplus ARP for ${to}`),
      ),
    ]
  }

  #outerName(): string {
    const { port, uplink } = this.#edge
    return uplink.namespace === null ? port : `${uplink.namespace}/${port}`
  }
}

/** Compares the forwards that the router leads to the project with those that the project's namespace leads on. */
function forwardDifferences(
  { transit, guest }: Way,
  present: readonly NftObject[],
  wanted: WayTable,
): NetworkDifference[] {
  const forwards = readEdgeForwards(present)
    .filter(({ leadsTo }) => leadsTo === transit)
    .map(({ key }) => key)
  const own = [...wanted.forwards].flatMap(([key, leadsTo]) => (leadsTo === guest ? [key] : []))
  const missing = own.filter((key) => !forwards.includes(key))
  const surplus = forwards.filter((key) => !wanted.forwards.has(key))
  return [
    ...differencesOf(
      'guest',
      missing.map((key) => `forward ${key}`),
    ),
    ...differencesOf(
      'project',
      surplus.map((key) => `surplus forward ${key}`),
    ),
  ]
}
