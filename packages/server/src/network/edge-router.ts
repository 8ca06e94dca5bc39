import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { runCommand } from '../host/run-command.ts'
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
import { ensureProjectCable, ensureUplinkCable, removeDevice } from './edge-cables.ts'
import { EdgeReview } from './edge-review.ts'
import { compileEdgeForwards, compileEdgeRuleset, readEdgeForwards } from './edge-ruleset.ts'
import { hostAddresses, leadsToProject, readAnnounced, readRoutes } from './edge-state.ts'
import { ROUTER_SETTINGS, setKernel } from './kernel-settings.ts'
import type { NetworkDifference } from './network-difference.ts'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { parseGateway } from './network-names.ts'
import type { NftObject } from './nft-json.ts'
import {
  dropOtherAddresses,
  listLinks,
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

  /** Makes the router, and the project's cable to it; the project's namespace must be there. */
  attach(namespace: string, network: ProjectNetwork): Promise<void> {
    return this.#alone(async () => {
      await this.#ensureRouter()
      const { address } = this.transitOf(network)
      await ensureProjectCable(this.#edge, namespace, network.key, address)
    })
  }

  /** Leads to the project what its namespace leads on, and nothing else; takes away what others made of the router. */
  mirror(namespace: string, network: ProjectNetwork): Promise<void> {
    return this.#alone(async () => {
      if ((await namespaceState(this.#edge.name)) !== 'present') return
      const wanted = readWayTable(await readRuleset(namespace))
      await this.#leadForwards(network, wanted)
      await this.#routeAddresses(network, wanted)
    })
  }

  /**
   * What of a guest's way to the operator's network is missing or other than it should be.
   * @param present what nft lists of the project's namespace
   */
  differences(
    namespace: string,
    network: ProjectNetwork,
    port: GuestPort,
    present: readonly NftObject[],
  ): Promise<NetworkDifference[]> {
    const way = { networkKey: network.key, transit: this.transitOf(network).address, guest: port.address }
    return this.#review.differences(namespace, present, way)
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

  async #ensureRouter(): Promise<void> {
    const { name, uplink } = this.#edge
    const { gateway, edgeAddress, guestEgress } = uplink
    const { address: next, prefix } = parseGateway(gateway)
    await this.#checkBridge()
    await makeNamespace(name)
    await setKernel(name, ROUTER_SETTINGS)
    const closed = closedNetworks(await hostAddresses([null, uplink.namespace]))
    await loadRules(name, compileEdgeRuleset({ edgeAddress, guestEgress, closed }))
    await ensureUplinkCable(this.#edge)
    const ip = (...args: string[]) => runCommand('ip', ['-n', name, ...args])
    await ip('address', 'replace', `${edgeAddress}/${prefix}`, 'dev', UPLINK_DEVICE)
    await dropOtherAddresses(name, UPLINK_DEVICE, `${edgeAddress}/${prefix}`)
    await ip('link', 'set', 'dev', UPLINK_DEVICE, 'up')
    await ip('route', 'replace', 'default', 'via', next, 'dev', UPLINK_DEVICE)
  }

  /** @throws HostError naming the bridge when it is not there */
  async #checkBridge(): Promise<void> {
    const { bridge, namespace } = this.#edge.uplink
    const found = (await listLinks(namespace)).find(({ ifname }) => ifname === bridge)
    if (found?.linkinfo?.info_kind === 'bridge') return
    const what = found === undefined ? 'does not exist' : 'is no bridge'
    const where = namespace === null ? '' : ` in the network namespace ${namespace}`
    throw new HostError(
      `The uplink ${bridge} ${what}${where}. Make it as docs/network.md says, or configure uplinkBridge.`,
    )
  }

  async #leadForwards(network: ProjectNetwork, { forwards }: WayTable): Promise<void> {
    const { name, uplink } = this.#edge
    const present = await readRuleset(name)
    const surplus = compileSurplusRemoval(present, compileEdgeRuleset({ ...uplink, closed: [] }))
    const { address } = this.transitOf(network)
    const changes = compileEdgeForwards(address, readEdgeForwards(present), [...forwards.keys()])
    const nftables = [...surplus.nftables, ...changes.nftables]
    if (nftables.length > 0) await loadRules(name, { nftables })
  }

  async #routeAddresses(network: ProjectNetwork, { publicAddresses }: WayTable): Promise<void> {
    const { name } = this.#edge
    const cable = projectDevice(network.key)
    const { address } = this.transitOf(network)
    const ip = (...args: string[]) => runCommand('ip', ['-n', name, ...args])
    const proxy = (verb: string, to: string) => ip('neighbour', verb, 'proxy', to, 'dev', UPLINK_DEVICE)
    const routes = (await readRoutes(name)).filter(leadsToProject)
    const announced = await readAnnounced(name)
    const elsewhere = (to: string) => routes.some((route) => route.to === to && route.device !== cable)
    // Also what an earlier life left without its route.
    const mute = announced.filter((to) => !publicAddresses.has(to) && !elsewhere(to))
    const surplus = routes.filter(({ to, device }) => device === cable && !publicAddresses.has(to))
    for (const to of mute) await proxy('delete', to)
    for (const { to } of surplus) await ip('route', 'delete', to, 'dev', cable)
    for (const to of publicAddresses.keys()) {
      if (!routes.some((route) => route.to === to && route.device === cable && route.via === address))
        await ip('route', 'replace', to, 'via', address, 'dev', cable)
      if (announced.includes(to)) continue
      await proxy('add', to)
      await announceAddress(name, UPLINK_DEVICE, to)
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(this.#edge.name, work)
  }
}
