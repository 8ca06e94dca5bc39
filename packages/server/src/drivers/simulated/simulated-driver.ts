import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import type {
  AccessChange,
  ApplicationObservation,
  GuestApplication,
  GuestLook,
  HostCapacity,
  MachineDriver,
  MachineObservation,
  MachineSpec,
} from '../machine-driver.ts'
import { checkAccess, checkApplication, checkDiskSize, checkIdentity, checkSize } from '../machine-rules.ts'
import { SIMULATED_PUBLIC_KEY } from './simulated-key.ts'
import { failureFor, failureText, strike, type SimulatedFailure } from './simulated-failure.ts'
import { SimulatedMachines, type SimulatedMachine } from './simulated-machines.ts'

/** What a simulated host has, and how its guests behave. */
export interface SimulatedHostOptions {
  /** Where the simulated machines are remembered across restarts. */
  readonly directory: string
  readonly capacity: HostCapacity
  /** How long a guest takes from power-on to its readiness line. */
  readonly bootMilliseconds: number
  readonly shutdownMilliseconds: number
  readonly failures: readonly SimulatedFailure[]
}

/**
 * A host without a hypervisor, for people who develop clients: every state and every wait of the real
 * one, in fractions of a second, with nothing running behind it.
 */
export class SimulatedDriver implements MachineDriver {
  readonly name = 'simulated'
  readonly #options: SimulatedHostOptions
  readonly #machines: SimulatedMachines

  constructor(options: SimulatedHostOptions) {
    this.#options = options
    this.#machines = new SimulatedMachines(options.directory)
  }

  async prepare(): Promise<void> {
    mkdirSync(this.#options.directory, { recursive: true })
  }

  async capacity(): Promise<HostCapacity> {
    return this.#options.capacity
  }

  async ensureDisk(spec: MachineSpec, wasMade: boolean): Promise<void> {
    checkDiskSize(spec)
    const { id, identity } = spec
    const { hostname } = identity
    strike(this.#options.failures, hostname, 'disk')
    if (this.#machines.read(id)) return
    if (wasMade) throw new HostError(`The simulated machine ${hostname} is gone. Delete the instance.`)
    this.#machines.write(id, { hostname, bootId: null, bootsAt: 0, stopsAt: null })
  }

  async ensureSeed({ identity }: MachineSpec): Promise<void> {
    checkIdentity(identity)
  }

  async ensureRunning(spec: MachineSpec, note: string): Promise<string | null> {
    const { id, identity } = spec
    const { hostname } = identity
    const machine = this.#machines.read(id)
    if (machine && isOn(machine)) return machine.note ?? null
    checkSize(spec)
    strike(this.#options.failures, hostname, 'start')
    const bootsAt = Date.now() + this.#options.bootMilliseconds
    this.#machines.write(id, { hostname, bootId: randomUUID(), bootsAt, stopsAt: null, note })
    return note
  }

  async observe(id: string): Promise<MachineObservation> {
    const machine = this.#machines.read(id)
    if (!machine || !isOn(machine)) return { exists: machine !== null, power: 'stopped' }
    const report = this.#reportOf(machine)
    return { exists: true, power: 'running', ...(report ? { report } : {}) }
  }

  async lookInside(id: string): Promise<GuestLook> {
    const isUp = (await this.observe(id)).report !== undefined
    return isUp ? { agent: 'answering', clockAheadMs: 0 } : { agent: 'silent' }
  }

  async setClock(): Promise<void> {}

  async changeAccess(_id: string, change: AccessChange): Promise<void> {
    checkAccess(change)
  }

  async applicationKey(): Promise<string> {
    return SIMULATED_PUBLIC_KEY
  }

  async ensureApplication(_id: string, application: GuestApplication | null): Promise<void> {
    if (application !== null) checkApplication(application)
  }

  async adoptApplication(): Promise<void> {}

  async observeApplication(id: string): Promise<ApplicationObservation> {
    const failure = failureFor(this.#options.failures, this.#machines.read(id)?.hostname ?? '', 'application')
    if (!failure) return { state: 'answering', detail: 'HTTP 200', log: [] }
    return {
      state: 'failed',
      detail: 'It ended.',
      log: [{ text: failureText(failure), isWhole: true }],
    }
  }

  async requestPowerOff(id: string): Promise<void> {
    const machine = this.#machines.read(id)
    if (!machine || !isOn(machine) || machine.stopsAt !== null) return
    if (failureFor(this.#options.failures, machine.hostname, 'stop')) return
    this.#machines.write(id, { ...machine, stopsAt: Date.now() + this.#options.shutdownMilliseconds })
  }

  async ensureStopped(id: string): Promise<void> {
    const machine = this.#machines.read(id)
    if (machine && isOn(machine)) this.#machines.write(id, { ...machine, bootId: null, stopsAt: null })
  }

  async remove(id: string): Promise<void> {
    strike(this.#options.failures, this.#machines.read(id)?.hostname ?? '', 'remove')
    this.#machines.remove(id)
  }

  async consoleTail(): Promise<string> {
    return ''
  }

  async census(): Promise<CensusEntry[]> {
    return this.#machines.list().map(({ id, path }) => ({ kind: 'disk', name: path, owner: id }))
  }

  #reportOf({ hostname, bootId, bootsAt }: SimulatedMachine): MachineObservation['report'] {
    if (bootId === null || Date.now() < bootsAt || failureFor(this.#options.failures, hostname, 'hang'))
      return undefined
    const failure = failureFor(this.#options.failures, hostname, 'boot')
    return failure ? { bootId, state: 'error', detail: failureText(failure) } : { bootId, state: 'ok' }
  }
}

function isOn(machine: SimulatedMachine): boolean {
  return machine.bootId !== null && (machine.stopsAt === null || Date.now() < machine.stopsAt)
}
