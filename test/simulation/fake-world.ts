import { FakeProcesses } from './fake-processes.ts'

/** A machine on the pretended host: what lies on its disk. */
export interface FakeMachine {
  seeded: boolean
  /** What the guest takes at its first boot. */
  seededPassword: string | null
  /** What logs in to the guest; null before its first boot. */
  password: string | null
  /** What the seed has it change at its next start; null where nothing. */
  seededChange: { readonly stamp: string; readonly password: string } | null
  /** The stamp of the change that it made last by itself. */
  stamp: string | null
  /** Whether an agent runs in its guest. */
  hasAgent: boolean
  /** Where the guest serves its application; null while it serves none. */
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
  readonly processes: FakeProcesses

  /** @param deafEvery how many guests there are to one that ignores the power button; 0: none does */
  constructor(deafEvery = 3) {
    this.processes = new FakeProcesses(deafEvery, (id) => this.#boot(id))
  }

  /** Everything there is, as lines that a failing run can show. */
  census(): string[] {
    return [
      ...[...this.machines.keys()].map((id) => `machine ${id}`),
      ...this.processes.machineIds().map((id) => `process ${id}`),
      ...[...this.projects].map((key) => `project ${key}`),
      ...[...this.ports].map((port) => `port ${port}`),
      ...[...this.forwards.keys()].map((id) => `forward ${id}`),
    ].toSorted()
  }

  /** Everything there is in full, to compare. */
  toText(): string {
    return JSON.stringify([[...this.machines], this.processes, this.census()])
  }

  /** The first time it takes what the seed says, and later what that has it change, once. */
  #boot(id: string): boolean {
    const machine = this.machines.get(id)
    if (machine === undefined) return false
    const { seededChange, password } = machine
    machine.password ??= machine.seededPassword
    if (password === null || seededChange === null || seededChange.stamp === machine.stamp) return true
    machine.password = seededChange.password
    machine.stamp = seededChange.stamp
    return true
  }
}
