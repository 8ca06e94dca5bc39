import type { CensusEntry } from '@berth/contract/host/census'

/** A project's private network on this host. */
export interface ProjectNetwork {
  /** Stable short key of the project, `[a-z0-9]{1,8}`: names its namespace. */
  readonly key: string
  /** The bridge's own address with prefix length, such as `10.64.0.1/20`: the guests' gateway. */
  readonly gateway: string
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

/** A way in from the host: connections to `listen` on the host reach `target` inside the project. */
export interface Forward {
  /** Stable id of the forward, such as `<instance id>/ssh`. */
  readonly id: string
  readonly networkKey: string
  /** A loopback address and the wanted port; port 0 asks for any free one. */
  readonly listen: { readonly address: string; readonly port: number }
  readonly target: { readonly address: string; readonly port: number }
}

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
  /** Creates the tap, isolates it and pins its address. */
  ensurePort(network: ProjectNetwork, port: GuestPort): Promise<void>
  removePort(networkKey: string, port: GuestPort): Promise<void>
  /**
   * Opens the way in and answers where it listens. A wanted port that somebody else holds is a
   * HostError with `retryable` true; a forward that is already open answers its own place.
   */
  ensureForward(forward: Forward): Promise<{ address: string; port: number }>
  removeForward(id: string): Promise<void>
  census(): Promise<CensusEntry[]>
  /** Ends what the driver keeps running on the host for nobody's sake: the relay, once it forwards nothing. */
  shutdownIdle(): Promise<void>
}
