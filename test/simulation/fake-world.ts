/** A machine on the pretended host. */
export interface FakeMachine {
  seeded: boolean
  bootId: string | null
  /** When its guest is up, in microseconds. */
  bootsAt: number
  stopsAt: number | null
  /** Whether its guest ignores the power button. */
  deaf: boolean
  /** Whether the running process was started with a disk of container images. */
  hasContainerDisk: boolean
  /** What the running process was started with. */
  vcpus: number
  /** What the guest takes at its first boot. */
  seededPassword: string | null
  /** What logs in to the guest; null before its first boot. Kept on its disk. */
  password: string | null
  /** What was noted when the running process was started. */
  note: string | null
  /** Where the guest serves its application; null while it serves none. Kept on its disk. */
  applicationPort: number | null
}

/** The pretended host: what is there, whoever made it. It outlives every server. */
export class FakeWorld {
  readonly machines = new Map<string, FakeMachine>()
  readonly projects = new Set<string>()
  /** `project/tap`. */
  readonly ports = new Set<string>()
  /** Forward id → `address:port`. */
  readonly forwards = new Map<string, string>()
  /** References of the container images in the cache. */
  readonly containerImages = new Set<string>()
  readonly #deafEvery: number
  #boots = 0

  /** @param deafEvery how many guests there are to one that ignores the power button; 0: none does */
  constructor(deafEvery = 3) {
    this.#deafEvery = deafEvery
  }

  nextBootId(): string {
    this.#boots++
    return `boot-${this.#boots}`
  }

  nextIsDeaf(): boolean {
    return this.#deafEvery > 0 && this.#boots % this.#deafEvery === 0
  }

  /** Everything there is, as lines that a failing run can show. */
  census(): string[] {
    return [
      ...[...this.machines.keys()].map((id) => `machine ${id}`),
      ...[...this.projects].map((key) => `project ${key}`),
      ...[...this.ports].map((port) => `port ${port}`),
      ...[...this.forwards.keys()].map((id) => `forward ${id}`),
    ].toSorted()
  }
}

/** Whether the machine's process is there at that time. */
export function isRunning(machine: FakeMachine, now: number): boolean {
  return machine.bootId !== null && (machine.stopsAt === null || now < machine.stopsAt)
}
