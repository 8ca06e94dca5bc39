import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import type { CensusEntry } from '@berth/contract/host/census'

/** A guest image made ready to boot: absolute paths of cached, read-only files. */
export interface BootImage {
  /** The name users and profiles know it by, such as `debian-12`. */
  readonly name: string
  /** sha256 of the manifest: two images with one digest boot the same. */
  readonly digest: string
  /** `kernel`: kernel, initrd and command line are given to the machine. `disk`: firmware boots the disk. */
  readonly bootMode: 'kernel' | 'disk'
  readonly kernel?: string
  readonly initrd?: string
  /** Kernel command line words, without anything that a user wrote. */
  readonly kernelArguments?: readonly string[]
  /** The root disk (qcow2), absent for images that live in their initrd. */
  readonly disk?: string
  readonly defaultUser: string
}

/** Where the guest's network card is attached, and what the guest is told about its network. */
export interface MachineNic {
  /** The network namespace that holds the tap; null when the network is simulated. */
  readonly namespace: string | null
  readonly tap: string
  /** Lower case, colon separated. */
  readonly mac: string
  /** IPv4 address with prefix length, such as `10.64.0.5/20`. */
  readonly address: string
  readonly gateway: string
  readonly nameservers: readonly string[]
}

/** What the guest is told about itself at its first boot. */
export interface MachineIdentity {
  readonly hostname: string
  readonly user: string
  /** Clear text; the driver hands only a SHA-512-crypt hash to the guest. Absent: password login stays off. */
  readonly password?: string
  /** One OpenSSH public key a string, already validated. */
  readonly sshKeys: readonly string[]
}

export interface MachineSpec {
  /** The instance's UUID: names the directory, and is the guest's SMBIOS UUID. */
  readonly id: string
  readonly vcpus: number
  readonly memoryMib: number
  readonly diskGib: number
  readonly image: BootImage
  readonly nic: MachineNic
  readonly identity: MachineIdentity
  /** Absolute path of a cached, read-only disk with container images; absent for machines without. */
  readonly containerDisk?: string
}

/** What the guest last said of itself. Untrusted input: sizes are bounded before it gets here. */
export interface GuestReport {
  readonly bootId: string
  readonly state: 'ok' | 'error'
  /** What the guest calls its operating system, such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly osName?: string
  /** What went wrong in the guest, when `state` is `error`. */
  readonly detail?: string
  /** The stamp of the change of who may log in that it made last by itself. */
  readonly access?: string
}

export interface MachineObservation {
  /** Whether anything of the machine (disk, seed, process) is on the host. */
  readonly exists: boolean
  /** `stopped` too for a guest that has ended while its process goes on; `ensureStopped` ends that. */
  readonly power: 'running' | 'stopped'
  /** Present when the guest's readiness line was read during this observation. */
  readonly report?: GuestReport
  /** Why the guest does not run although its process does: one sentence for a person, part of it the guest's own words. */
  readonly problem?: string
}

/** How full a file system in the guest is. */
export interface GuestDisk {
  readonly mountpoint: string
  readonly usedBytes: number
  readonly totalBytes: number
}

/** What the agent in a running guest tells of it. Untrusted input: texts are bounded before it gets here. */
export interface GuestLook {
  /** `silent`: something in the guest listens and does not answer. `absent`: nothing does. */
  readonly agent: 'answering' | 'silent' | 'absent'
  /** The fullest file system on the machine's own disk; absent where that is not known. */
  readonly fullestDisk?: GuestDisk
  /** By how many milliseconds its clock is ahead of the host's; absent where that is not known well. */
  readonly clockAheadMs?: number
}

/** A change of who may log in to a guest that runs. */
export interface AccessChange {
  readonly user: string
  /** Clear text; only its hash reaches the guest. Absent: password login is closed. */
  readonly password?: string
  readonly sshKeys: readonly string[]
  /** Keys that an earlier change or the seed gave; those not among `sshKeys` are taken away, others stay. */
  readonly formerSshKeys: readonly string[]
}

/** A change that a guest makes by itself at its next start, once: it may have no agent. */
export interface AccessAtStart extends AccessChange {
  /** Letters, digits and hyphens, at most 64, and another for each change; the guest's reports bear it once it is made. */
  readonly stamp: string
}

/** An application as its guest is to run it. */
export interface GuestApplication extends Pick<
  ApplicationSettings,
  | 'arguments'
  | 'environment'
  | 'secretEnvironment'
  | 'files'
  | 'volumes'
  | 'keepHome'
  | 'gpus'
  | 'containerPort'
  | 'port'
  | 'paths'
  | 'health'
> {
  /** The image's id (`sha256:…` of its configuration), as the machine's container disk holds it. */
  readonly imageId: string
  /** Null: plain HTTP. */
  readonly tls: {
    /** The certificate, for the key of `applicationKey`, and those above it; PEM. */
    readonly chain: string
    /** The root's certificate, PEM. */
    readonly root: string
    /** A name or address that the certificate holds. */
    readonly name: string
  } | null
}

/** What an application does now. Text from the guest is untrusted and bounded. */
export interface ApplicationObservation {
  /** `answering`: it does, through the guest's web server. `failed`: it has ended and does not come back by itself. */
  readonly state: 'answering' | 'starting' | 'failed'
  /** What the web server answered, or why nothing came, for a person to read. */
  readonly detail: string
  /** The last lines that the application wrote while it did not answer, at most 128 KiB together. */
  readonly log: readonly LogLine[]
  /** Why its container cannot be started, in the words of what starts it; absent where it could. */
  readonly engineError?: string
}

/** A line of text from a guest, without control characters. */
export interface LogLine {
  readonly text: string
  /** False: its beginning is lost, so that it may begin in the middle of a secret. */
  readonly isWhole: boolean
}

export interface HostCapacity {
  readonly vcpus: number
  readonly memoryMib: number
  /** GPUs by model, such as `{ H200: 8 }`. */
  readonly gpus: Readonly<Record<string, number>>
}

/**
 * Runs machines on one host. Every `ensure…` may be repeated at any time, after any crash, and changes
 * nothing when the effect is already there; `remove` likewise when it is already gone. Errors are
 * `HostError`s whose message a person can act on.
 */
export interface MachineDriver {
  readonly name: 'qemu' | 'simulated'
  /** Checks that the host can run machines. Throws a HostError that says what is missing and how to get it. */
  prepare(): Promise<void>
  capacity(): Promise<HostCapacity>
  /**
   * Creates the machine's own disk on top of its image, at least `diskGib` large.
   * @param wasMade whether it was created before: one that is missing then is an error, and never replaced
   */
  ensureDisk(spec: MachineSpec, wasMade: boolean): Promise<void>
  /**
   * Writes the seed volume from which the guest configures itself at its first boot, unless it is there.
   * @param change what a guest that has booted before is to change at its next start; written even where a seed is there
   */
  ensureSeed(spec: MachineSpec, change?: AccessAtStart): Promise<void>
  /**
   * Starts the machine's process unless it runs; one that does is left as it was started.
   * @param note what to keep with a process that is started, at most 4 KiB
   * @returns the note of the process that runs now: `note`, or what an earlier start kept, by whatever server;
   * null where that is lost
   */
  ensureRunning(spec: MachineSpec, note: string): Promise<string | null>
  /** Reads the world. Waits at most about 3 s for the guest's readiness line. */
  observe(id: string): Promise<MachineObservation>
  /** Looks inside a running guest, through its agent, for at most some five seconds. Changes nothing. */
  lookInside(id: string): Promise<GuestLook>
  /** Sets the running guest's clock to the host's, through its agent. */
  setClock(id: string): Promise<void>
  /**
   * Changes who may log in to a running guest, through its agent. Repeated, it changes nothing.
   * Throws an AgentUnavailable when no agent answers in the guest, or it may not do that.
   */
  changeAccess(id: string, change: AccessChange): Promise<void>
  /**
   * The public key (SPKI, PEM) of the running guest's web server; its private half is made in the guest and
   * never leaves it. Throws an AgentUnavailable when no agent answers in the guest.
   */
  applicationKey(id: string): Promise<string>
  /**
   * Brings what a running guest serves to `application`, through its agent: its files, its container and its
   * web server; null takes them away. Repeated, it restarts nothing.
   */
  ensureApplication(id: string, application: GuestApplication | null): Promise<void>
  /**
   * Brings what an earlier version of the server has set up for the running guest's application to this one, through
   * its agent: nothing restarts, and nothing that the application wrote is lost when it ends. Repeated, it changes
   * nothing.
   */
  adoptApplication(id: string): Promise<void>
  /** Asks the application, from inside the guest and through its web server, whether it is up. */
  observeApplication(id: string, application: GuestApplication): Promise<ApplicationObservation>
  /** Asks the guest to power off (ACPI, agent). Returns at once; `observe` tells when it has. */
  requestPowerOff(id: string): Promise<void>
  /** Ends the machine's process now, if there is one. Disk and seed stay. */
  ensureStopped(id: string): Promise<void>
  /** Ends the process and removes every file of the machine. */
  remove(id: string): Promise<void>
  /** The last lines that the guest wrote to its serial console since it was started, at most 64 KiB, for a person to read. */
  consoleTail(id: string): Promise<string>
  /** Everything on this host that belongs to this installation's machines. */
  census(): Promise<CensusEntry[]>
}
