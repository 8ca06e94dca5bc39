import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { announceAddress } from './announce-address.ts'
import {
  edgeRouterName,
  MAX_PROJECT_NUMBER,
  projectDevice,
  transitAddress,
  UPLINK_DEVICE,
  uplinkPortName,
  type BridgeUplink,
  type Edge,
  type Transit,
} from './bridge-uplink.ts'
import { closedNetworks } from './closed-networks.ts'
import {
  cableLines,
  deletion,
  ensureUplinkCable,
  projectCable,
  removeDevice,
  routerLines,
} from './edge-cables.ts'
import { EdgeReview } from './edge-review.ts'
import { compileEdgeForwards, compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { announcedBy, leadsToProject, lookAtOperator, type OperatorSide } from './edge-state.ts'
import { runIp } from './ip-batch.ts'
import { EDGE_SETTINGS, setKernel } from './kernel-settings.ts'
import { linkOf, listLinks, lookAt, type NamespaceLook, type NetworkLink } from './namespace-look.ts'
import type { NetworkDifference } from './network-difference.ts'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import type { NftObject } from './nft-json.ts'
import {
  loadRules,
  makeNamespace,
  namespaceState,
  readRuleset,
  removeNamespace,
} from './project-namespace.ts'
import { compileSurplusRemoval } from './surplus-rules.ts'
import { readWayTable, type WayTable } from './translation-rules.ts'

/**
 * The way between an installation's projects and the operator's network: a namespace that is a port of the
 * operator's bridge on one side and has a cable to each project on the other. It owns the edge address, translates
 * the forwards' ports to the projects that have them, routes each public address to its project, and answers ARP
 * for it. What a project's namespace leads on to its guests is the truth; the router is brought to it.
 *
 * On the operator's side it makes one device, and touches neither addresses nor routes nor the firewall.
 */
export class EdgeRouter {
  readonly #edge: Edge
  readonly #review: EdgeReview
  readonly #queue = new KeyedMutex()

  constructor(installId: string, uplink: BridgeUplink) {
    this.#edge = { name: edgeRouterName(installId), port: uplinkPortName(installId), uplink }
    this.#review = new EdgeReview(this.#edge)
  }

  /** @throws HostError for a project that has no place at the router */
  transitOf({ number }: ProjectNetwork): Transit {
    if (!Number.isInteger(number) || number < 1 || number > MAX_PROJECT_NUMBER) {
      throw new HostError(
        `The installation has more than ${MAX_PROJECT_NUMBER} projects, the most that an uplink serves.`,
        { retryable: false },
      )
    }
    return { address: transitAddress(number), guestEgress: this.#edge.uplink.guestEgress }
  }

  /**
   * Makes the router, and the project's cable to it; the project's namespace must be there.
   * @param look what the project's namespace is like
   * @returns the project's end of the cable as it was before; undefined when it is new
   */
  attach(namespace: string, network: ProjectNetwork, look: NamespaceLook): Promise<NetworkLink | undefined> {
    return this.#alone(async () => {
      const { name, uplink } = this.#edge
      const { address } = this.transitOf(network)
      const outside = await lookAtOperator(uplink)
      this.#checkBridge(outside)
      await makeNamespace(name)
      const router = await lookAt(name)
      const cable = projectCable(network.key, router.links, look.links)
      const { device, atRouter, atProject } = cable
      if (atRouter && !atProject) await runIp(name, [deletion(device)])
      if (atProject && !atRouter) await runIp(namespace, [deletion(UPLINK_DEVICE)])
      await loadRules(name, compileEdgeRuleset({ ...uplink, closed: closedNetworks(outside.addresses) }))
      const uplinkDevice = await ensureUplinkCable(this.#edge, outside.links, router.links)
      await setKernel(name, EDGE_SETTINGS)
      await runIp(name, [
        ...routerLines(this.#edge, uplinkDevice, router),
        ...cableLines(cable, namespace, address),
      ])
      return atRouter && atProject
    })
  }

  /** Leads to the project what its namespace leads on, and nothing else; takes away what others made of the router. */
  mirror(namespace: string, network: ProjectNetwork): Promise<void> {
    return this.#alone(async () => {
      const { name } = this.#edge
      if ((await namespaceState(name)) !== 'present') return
      const [rules, look, project] = await Promise.all([
        readRuleset(name),
        lookAt(name),
        readRuleset(namespace),
      ])
      const wanted = readWayTable(project)
      await this.#leadForwards(network, wanted, rules)
      await this.#routeAddresses(network, wanted, look)
    })
  }

  /**
   * What of a guest's way to the operator's network is missing or other than it should be.
   * @param look what the project's namespace is like
   * @param rules what nft lists of it
   */
  differences(
    namespace: string,
    network: ProjectNetwork,
    port: GuestPort,
    look: NamespaceLook,
    rules: readonly NftObject[],
  ): Promise<NetworkDifference[]> {
    const way = { networkKey: network.key, transit: this.transitOf(network).address, guest: port.address }
    return this.#review.differences(namespace, look, rules, way)
  }

  census(): Promise<CensusEntry[]> {
    return this.#review.census()
  }

  /** Takes a project's cable away; the kernel would do so only some time after its namespace has gone. */
  detach(networkKey: string): Promise<void> {
    return this.#alone(() => removeDevice(this.#edge.name, projectDevice(networkKey)))
  }

  /** Takes the router away once no project is attached to it. */
  removeIfIdle(): Promise<void> {
    return this.#alone(async () => {
      const { name, port, uplink } = this.#edge
      const links = (await namespaceState(name)) === 'present' ? await listLinks(name) : []
      if (links.some(({ ifname }) => ifname.startsWith(projectDevice('')))) return
      await removeDevice(uplink.namespace, port)
      await removeNamespace(name)
    })
  }

  /** @throws HostError naming the bridge when it is not there */
  #checkBridge({ links }: OperatorSide): void {
    const { bridge, namespace } = this.#edge.uplink
    const found = linkOf(links, bridge)
    if (found?.linkinfo?.info_kind === 'bridge') return
    const what = found === undefined ? 'does not exist' : 'is no bridge'
    const where = namespace === null ? '' : ` in the network namespace ${namespace}`
    throw new HostError(
      `The uplink ${bridge} ${what}${where}. Make it as docs/network.md says, or configure uplinkBridge.`,
    )
  }

  async #leadForwards(
    network: ProjectNetwork,
    { forwards }: WayTable,
    present: readonly NftObject[],
  ): Promise<void> {
    const { name, uplink } = this.#edge
    const surplus = compileSurplusRemoval(present, compileEdgeRuleset({ ...uplink, closed: [] }))
    const { address } = this.transitOf(network)
    const changes = compileEdgeForwards(address, readEdgeForwards(present), [...forwards.keys()])
    const nftables = [...surplus.nftables, ...changes.nftables]
    if (nftables.length > 0) await loadRules(name, { nftables })
  }

  async #routeAddresses(
    network: ProjectNetwork,
    { publicAddresses }: WayTable,
    look: NamespaceLook,
  ): Promise<void> {
    const { name } = this.#edge
    const cable = projectDevice(network.key)
    const { address } = this.transitOf(network)
    const routes = look.routes.filter(leadsToProject)
    const announced = announcedBy(look)
    const proxy = (verb: string, to: string) => ['neighbour', verb, 'proxy', to, 'dev', UPLINK_DEVICE]
    const isLed = (to: string) =>
      routes.some((route) => route.to === to && route.device === cable && route.via === address)
    const elsewhere = (to: string) => routes.some((route) => route.to === to && route.device !== cable)
    const wanted = [...publicAddresses.keys()]
    const come = wanted.filter((to) => !announced.includes(to))
    // Also what an earlier life left without its route.
    const mute = announced.filter((to) => !publicAddresses.has(to) && !elsewhere(to))
    const surplus = routes.filter(({ to, device }) => device === cable && !publicAddresses.has(to))
    await runIp(name, [
      ...mute.map((to) => proxy('delete', to)),
      ...surplus.map(({ to }) => ['route', 'delete', to, 'dev', cable]),
      ...wanted
        .filter((to) => !isLed(to))
        .map((to) => ['route', 'replace', to, 'via', address, 'dev', cable]),
      ...come.map((to) => proxy('add', to)),
    ])
    for (const to of come) await announceAddress(name, linkOf(look.links, UPLINK_DEVICE), to)
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(this.#edge.name, work)
  }
}
