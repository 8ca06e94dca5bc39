import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import type { Gate } from './gate.ts'
import type { GuestPolicy, Transport } from './guest-policy.ts'
import type { NetworkDifference } from './network-difference.ts'

/** A project's private network on this host. */
export interface ProjectNetwork {
  /** Stable short key of the project, `[a-z0-9]{1,8}`: names its namespace. */
  readonly key: string
  /** The bridge's own address with prefix length, such as `10.64.0.1/20`: the guests' gateway. */
  readonly gateway: string
  /** From 1 to MAX_PROJECT_NUMBER, another for every project: its place at the edge router follows from it. */
  readonly number: number
}

/** A guest's place on its project's network. */
export interface GuestPort {
  readonly instanceId: string
  /** Unique within the project, at most 15 characters: `g` and the address's number. */
  readonly tap: string
  readonly mac: string
  /** IPv4 address without prefix. */
  readonly address: string
}

/** A way in from the host: what reaches `listen` on the host reaches `target` inside the project. */
export interface Forward {
  /** Stable id of the forward: the instance's id, a slash and a name, such as `<instance id>/ssh`. */
  readonly id: string
  readonly networkKey: string
  readonly protocol: Transport
  /** A loopback address and the wanted port; port 0 asks for any free one. */
  readonly listen: { readonly address: string; readonly port: number }
  /** Null for a place that is only kept from others. */
  readonly target: { readonly address: string; readonly port: number } | null
  /** Who may use it; null: everybody who reaches the listening address. */
  readonly gate: Gate | null
}

/** A forward as it is open now. */
export type OpenForward = Omit<Forward, 'gate'>

/** What the kernel counted at one rule of a port. */
export interface RuleCounter {
  /** `in`: a firewall rule, towards the guest. `out`: something a guest must not send. */
  readonly direction: 'in' | 'out'
  readonly label: string
  readonly packets: number
  readonly bytes: number
}

/** Somebody else holds the address and port that a forward wants. */
export class PlaceTakenError extends HostError {}

/**
 * The network of one host. The same promise as MachineDriver: every `ensure…` and `remove…` may be
 * repeated after any crash. Errors are `HostError`s.
 */
export interface NetworkDriver {
  readonly name: 'namespaces' | 'simulated'
  prepare(): Promise<void>
  /** The namespace that a project's taps live in; null when simulated. */
  namespaceOf(networkKey: string): string | null
  ensureProject(network: ProjectNetwork): Promise<void>
  /** Removes the project's namespace, bridge and rules. Ports and forwards must be gone before. */
  removeProject(networkKey: string): Promise<void>
  /**
   * On a project's network that is there, creates the tap, isolates it, pins its address, and lets `policy` decide what reaches it. Another policy
   * replaces the present one in one step: connections that it admits too go on, the others end. Rules that
   * are there already are not loaded again, so they keep their counters.
   */
  ensurePort(network: ProjectNetwork, port: GuestPort, policy: GuestPolicy): Promise<void>
  /**
   * What of a port, and of what it shares with others, is missing on the host or other than it should be; none: all
   * is well.
   */
  portDifferences(network: ProjectNetwork, port: GuestPort, policy: GuestPolicy): Promise<NetworkDifference[]>
  /** Whether a guest's process holds the port: false too where the port, or the project's network, is gone. */
  carriesGuest(networkKey: string, port: GuestPort): Promise<boolean>
  /**
   * Whether the guest at the port answers for its address (ARP), whatever its rules let in. Takes a second or two where
   * it does not.
   */
  answersArp(networkKey: string, port: GuestPort): Promise<boolean>
  ruleCounters(networkKey: string, port: GuestPort): Promise<RuleCounter[]>
  removePort(network: ProjectNetwork, port: GuestPort): Promise<void>
  /**
   * Opens the way in and answers where it listens; a forward that is already open answers its own place.
   * With another gate than before, connections that the new one refuses end.
   * @throws PlaceTakenError when somebody else holds the wanted port
   */
  ensureForward(forward: Forward): Promise<{ address: string; port: number }>
  /**
   * What is said first to who connects where a forward listens, at most 255 bytes, untrusted: '' where the connection
   * ends without a word, null where it stays silent for more than a second.
   */
  greetingAt(listen: Forward['listen']): Promise<string | null>
  removeForward(id: string): Promise<void>
  /** The open forwards of one instance. */
  forwardsOf(instanceId: string): Promise<OpenForward[]>
  census(): Promise<CensusEntry[]>
  /**
   * Ends what the driver keeps on the host for nobody's sake: the relay, once it forwards nothing, and the edge
   * router, once no project is attached to it.
   */
  shutdownIdle(): Promise<void>
}
