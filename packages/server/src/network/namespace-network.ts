import { existsSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { isAbsolute } from 'node:path'
import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import { edgeRouterName, type BridgeUplink, type Transit } from './bridge-uplink.ts'
import { EdgeRouter } from './edge-router.ts'
import { wayOutLines } from './edge-cables.ts'
import { joinDifferences, joinPort, removeGuestPort, tapLines } from './guest-port.ts'
import { answersArp, readGreeting } from './guest-answer.ts'
import type { GuestPolicy } from './guest-policy.ts'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { runIp } from './ip-batch.ts'
import { CLOSED_SETTINGS, ROUTED_SETTINGS, setKernel, settingDifferences } from './kernel-settings.ts'
import { listNamespaces, takeCensus } from './namespace-census.ts'
import { lookAt } from './namespace-look.ts'
import { differencesOf, type NetworkDifference } from './network-difference.ts'
import {
  PlaceTakenError,
  type Forward,
  type GuestPort,
  type NetworkDriver,
  type OpenForward,
  type ProjectNetwork,
  type RuleCounter,
} from './network-driver.ts'
import { checkGuestPort, checkPortName, namespaceName, namespacePrefix } from './network-names.ts'
import { findPortOwner } from './port-owner.ts'
import { PortCarriers } from './port-carriers.ts'
import { PortRulesState } from './port-rules-state.ts'
import type { NftObject } from './nft-json.ts'
import {
  bridgeLines,
  gatewayLines,
  loadRules,
  makeNamespace,
  namespaceState,
  readRuleset,
  removeNamespace,
} from './project-namespace.ts'
import { RelayClient, RelayRefusal } from './relay-client.ts'
import { isLoopback } from './relay-protocol.ts'
import { readRuleCounters } from './rule-counters.ts'
import { compileRuleset } from './ruleset.ts'
import { compileSurplusRemoval, surplusNames } from './surplus-rules.ts'
import { removeTranslation } from './translation-removal.ts'
import { readWayTable } from './translation-rules.ts'
import { runCommand, tryCommand } from '../host/run-command.ts'

export interface NamespaceNetworkOptions {
  /** Six characters of a-z and 0-9: keeps installations on one host apart. */
  readonly installId: string
  /** Absolute path of the directory for the relay's socket, lock and log; made 0700. */
  readonly runDir: string
  /** The operator's network that packets are routed to and from; null: only the relay leads in. */
  readonly uplink?: BridgeUplink | null
  /** The user that runs guests and opens their taps; `berth-guest` unless told. */
  readonly guestUser?: string
  readonly log?: (message: string) => void
}

/** The programs this driver runs, how each shows that it is there, and the Debian package that has it. */
const PROGRAMS = [
  ['ip', ['-V'], 'iproute2'],
  ['bridge', ['-V'], 'iproute2'],
  ['nft', ['--version'], 'nftables'],
  ['sysctl', ['--version'], 'procps'],
  ['setpriv', ['--version'], 'util-linux'],
  ['perl', ['-v'], 'perl-base'],
] as const

/**
 * A project's network as a network namespace of this host: a bridge that routes between isolated ports,
 * an nftables firewall beside it, and a detached relay for connections from the host's loopback addresses.
 * Nothing is kept in memory: any number of instances, one after another or at once, may work on one host.
 */
export class NamespaceNetwork implements NetworkDriver {
  readonly name = 'namespaces'
  readonly #installId: string
  readonly #guestUser: string
  readonly #log: (message: string) => void
  readonly #relay: RelayClient
  readonly #queue = new KeyedMutex()
  readonly #rules = new PortRulesState()
  readonly #edge: EdgeRouter | null
  readonly #carriers = new PortCarriers()

  /** Throws a HostError for a malformed install id, or a run directory that is relative or too long. */
  constructor(options: NamespaceNetworkOptions) {
    namespacePrefix(options.installId)
    if (!isAbsolute(options.runDir)) {
      throw new HostError(`The run directory ${options.runDir} is not an absolute path.`, {
        retryable: false,
      })
    }
    this.#installId = options.installId
    this.#guestUser = options.guestUser ?? 'berth-guest'
    this.#log = options.log ?? (() => {})
    this.#relay = new RelayClient(options.installId, options.runDir)
    this.#edge = options.uplink ? new EdgeRouter(options.installId, options.uplink) : null
  }

  async prepare(): Promise<void> {
    if (process.getuid?.() !== 0) throw lacking('Networks need root.', { remedy: 'sudo berth serve' })
    for (const [program, args, debianPackage] of PROGRAMS) {
      const found = await tryCommand(program, args).catch(() => null)
      if (found?.code !== 0) {
        throw lacking(`The program \`${program}\` does not run.`, {
          remedy: `apt-get install ${debianPackage}`,
        })
      }
    }
    if (!existsSync('/dev/net/tun')) throw lacking('/dev/net/tun is missing.', { remedy: 'modprobe tun' })
    if ((await tryCommand('id', ['-u', this.#guestUser])).code !== 0) {
      const remedy = `useradd --system --no-create-home --shell /usr/sbin/nologin ${this.#guestUser}`
      throw lacking(`The user ${this.#guestUser} that runs guests is missing.`, { remedy })
    }
    await runCommand('ip', ['netns', 'list'])
    this.#relay.makeDirectory()
    if (this.#edge) return
    // From a time when the uplink was another.
    await removeNamespace(edgeRouterName(this.#installId))
    for (const { name } of await listNamespaces(this.#installId)) await removeTranslation(name)
  }

  namespaceOf(networkKey: string): string {
    return namespaceName(this.#installId, networkKey)
  }

  ensureProject(network: ProjectNetwork): Promise<void> {
    return this.#inNamespace(network.key, (namespace) => this.#ensureNamespace(namespace, network))
  }

  removeProject(networkKey: string): Promise<void> {
    return this.#inNamespace(networkKey, async (namespace) => {
      await this.#edge?.detach(networkKey)
      await removeNamespace(namespace)
      this.#log(`removed the network namespace ${namespace}`)
    })
  }

  ensurePort(network: ProjectNetwork, port: GuestPort, policy: GuestPolicy): Promise<void> {
    return this.#inNamespace(network.key, async (namespace) => {
      checkGuestPort(network, port)
      if ((await namespaceState(namespace)) !== 'present')
        throw new HostError(
          `The network namespace ${namespace} is not there, so no guest can be attached to it.`,
        )
      const transit = this.#transitOf(network)
      const [look, present] = await Promise.all([
        lookAt(namespace),
        this.#withoutSurplus(namespace, network, transit),
      ])
      const tap = tapLines(namespace, look, port, this.#guestUser)
      const guarded = { ...port, policy }
      if (!(await this.#rules.areLoaded(present, network, transit, guarded)))
        await loadRules(namespace, compileRuleset(network, transit, [guarded], readWayTable(present)))
      await joinPort(namespace, look, port, tap)
      await this.#edge?.mirror(namespace, network)
    })
  }

  async portDifferences(
    network: ProjectNetwork,
    port: GuestPort,
    policy: GuestPolicy,
  ): Promise<NetworkDifference[]> {
    const namespace = this.namespaceOf(network.key)
    if ((await namespaceState(namespace)) !== 'present')
      return differencesOf('project', [`namespace ${namespace}`])
    const transit = this.#transitOf(network)
    const [look, present, settings] = await Promise.all([
      lookAt(namespace),
      readRuleset(namespace),
      settingDifferences(namespace, transit === null ? CLOSED_SETTINGS : ROUTED_SETTINGS),
    ])
    return [
      ...(await joinDifferences(namespace, look, network, port)),
      ...differencesOf('project', settings),
      ...(await this.#rules.differences(present, network, transit, { ...port, policy })),
      ...differencesOf('project', surplusNames(present, compileRuleset(network, transit, []))),
      ...((await this.#edge?.differences(namespace, network, port, look, present)) ?? []),
    ]
  }

  async carriesGuest(networkKey: string, port: GuestPort): Promise<boolean> {
    return this.#carriers.has(this.namespaceOf(networkKey), port.tap)
  }

  answersArp(networkKey: string, port: GuestPort): Promise<boolean> {
    return answersArp(this.namespaceOf(networkKey), port)
  }

  ruleCounters(networkKey: string, port: GuestPort): Promise<RuleCounter[]> {
    return readRuleCounters(this.namespaceOf(networkKey), port)
  }

  removePort(network: ProjectNetwork, port: GuestPort): Promise<void> {
    return this.#inNamespace(network.key, async (namespace) => {
      checkPortName(port)
      await removeGuestPort(namespace, port)
      await this.#edge?.mirror(namespace, network)
    })
  }

  async ensureForward(forward: Forward): Promise<{ address: string; port: number }> {
    const { id, networkKey, protocol, listen, target } = forward
    const namespace = this.namespaceOf(networkKey)
    if (!isLoopback(listen.address) || (target !== null && !isIPv4(target.address))) {
      const message = `The forward ${id} needs a loopback address to listen on and an IPv4 address to reach.`
      throw new HostError(message, { retryable: false })
    }
    if (target !== null && (await namespaceState(namespace)) !== 'present') {
      throw new HostError(
        `The network namespace ${namespace} is not there yet, so nothing can be forwarded into it.`,
      )
    }
    try {
      return await this.#relay.ensure({ ...forward, namespace })
    } catch (error) {
      if (!(error instanceof RelayRefusal)) throw error
      const place = `${listen.address}:${listen.port}`
      if (error.code === 'taken')
        throw new PlaceTakenError(`Nothing can listen on ${place}: ${error.message}.`, { cause: error })
      if (error.code !== 'EADDRINUSE')
        throw new HostError(`Nothing can listen on ${place}: ${error.message}.`)
      const owner = await findPortOwner(listen.address, listen.port, protocol)
      const holder = owner === null ? 'something else on this host' : `${owner.name} (pid ${owner.pid})`
      throw new PlaceTakenError(`${place} is in use by ${holder}. End it, or choose another port.`, {
        cause: error,
      })
    }
  }

  greetingAt(listen: Forward['listen']): Promise<string | null> {
    return readGreeting(listen)
  }

  async forwardsOf(instanceId: string): Promise<OpenForward[]> {
    return [...(await this.#relay.list(`${instanceId}/`))]
  }

  async removeForward(id: string): Promise<void> {
    await this.#relay.remove(id).catch((error: unknown) => {
      throw error instanceof RelayRefusal
        ? new HostError(`The forward ${id} stays: ${error.message}.`)
        : error
    })
  }

  async census(): Promise<CensusEntry[]> {
    const entries = await takeCensus(this.#installId, this.#relay)
    return [...entries, ...((await this.#edge?.census()) ?? [])]
  }

  async shutdownIdle(): Promise<void> {
    await this.#relay.stopIfIdle()
    await this.#edge?.removeIfIdle()
  }

  #transitOf(network: ProjectNetwork): Transit | null {
    return this.#edge?.transitOf(network) ?? null
  }

  async #ensureNamespace(namespace: string, network: ProjectNetwork): Promise<void> {
    const transit = this.#transitOf(network)
    await makeNamespace(namespace)
    const look = await lookAt(namespace)
    await loadRules(namespace, compileRuleset(network, transit, []))
    await runIp(namespace, bridgeLines(namespace, look))
    const uplink = await this.#edge?.attach(namespace, network, look)
    await setKernel(namespace, transit === null ? CLOSED_SETTINGS : ROUTED_SETTINGS)
    await runIp(namespace, [
      ...gatewayLines(look, network),
      ...(transit === null ? [] : wayOutLines(uplink, look, transit.address)),
    ])
  }

  /** Takes away what others made of the namespace's rules. @returns what nft lists of it then */
  async #withoutSurplus(
    namespace: string,
    network: ProjectNetwork,
    transit: Transit | null,
  ): Promise<readonly NftObject[]> {
    const present = await readRuleset(namespace)
    const surplus = compileSurplusRemoval(present, compileRuleset(network, transit, []))
    if (surplus.nftables.length === 0) return present
    await loadRules(namespace, surplus)
    return readRuleset(namespace)
  }

  #inNamespace(key: string, task: (namespace: string) => Promise<void>): Promise<void> {
    return this.#queue.run(key, () => task(this.namespaceOf(key)))
  }
}

function lacking(message: string, { remedy }: { readonly remedy: string }): HostError {
  return new HostError(message, { retryable: false, remedy })
}
