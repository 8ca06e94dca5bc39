import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CensusEntry } from '@berth/contract/host/census'
import type { HostCapacity, MachineDriver, MachineObservation, MachineSpec } from '../machine-driver.ts'

/** What a simulated host has, and how long its guests take. */
export interface SimulatedHostOptions {
  /** Where the simulated machines are remembered across restarts. */
  readonly directory: string
  readonly capacity: HostCapacity
  /** How long a guest takes from power-on to its readiness line. */
  readonly bootMilliseconds: number
  readonly shutdownMilliseconds: number
}

interface SimulatedMachine {
  readonly bootId: string | null
  /** Milliseconds since 1970. */
  readonly bootsAt: number
  /** When a shutdown that was asked for is complete. */
  readonly stopsAt: number | null
}

const OFF: SimulatedMachine = { bootId: null, bootsAt: 0, stopsAt: null }

/**
 * A host without a hypervisor, for people who develop clients: every state and every wait of the real
 * one, in fractions of a second, with nothing running behind it.
 */
export class SimulatedDriver implements MachineDriver {
  readonly name = 'simulated'
  readonly #options: SimulatedHostOptions

  constructor(options: SimulatedHostOptions) {
    this.#options = options
  }

  async prepare(): Promise<void> {
    mkdirSync(this.#options.directory, { recursive: true })
  }

  async capacity(): Promise<HostCapacity> {
    return this.#options.capacity
  }

  async ensureDisk(spec: MachineSpec): Promise<void> {
    if (!this.#read(spec.id)) this.#write(spec.id, OFF)
  }

  async ensureSeed(): Promise<void> {}

  async ensureRunning(spec: MachineSpec): Promise<void> {
    const machine = this.#read(spec.id)
    if (machine && isOn(machine)) return
    this.#write(spec.id, {
      bootId: randomUUID(),
      bootsAt: Date.now() + this.#options.bootMilliseconds,
      stopsAt: null,
    })
  }

  async observe(id: string): Promise<MachineObservation> {
    const machine = this.#read(id)
    if (!machine || !isOn(machine) || machine.bootId === null)
      return { exists: machine !== null, power: 'stopped' }
    const booted = Date.now() >= machine.bootsAt
    return {
      exists: true,
      power: 'running',
      ...(booted ? { report: { bootId: machine.bootId, state: 'ok' as const } } : {}),
    }
  }

  async changeAccess(): Promise<void> {}

  async requestPowerOff(id: string): Promise<void> {
    const machine = this.#read(id)
    if (!machine || !isOn(machine) || machine.stopsAt !== null) return
    this.#write(id, { ...machine, stopsAt: Date.now() + this.#options.shutdownMilliseconds })
  }

  async ensureStopped(id: string): Promise<void> {
    const machine = this.#read(id)
    if (machine && isOn(machine)) this.#write(id, OFF)
  }

  async remove(id: string): Promise<void> {
    rmSync(this.#path(id), { force: true })
  }

  async consoleTail(): Promise<string> {
    return ''
  }

  async census(): Promise<CensusEntry[]> {
    return readdirSync(this.#options.directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({
        kind: 'disk',
        name: join(this.#options.directory, name),
        owner: name.slice(0, -'.json'.length),
      }))
  }

  #path(id: string): string {
    return join(this.#options.directory, `${id}.json`)
  }

  #read(id: string): SimulatedMachine | null {
    try {
      return JSON.parse(readFileSync(this.#path(id), 'utf8')) as SimulatedMachine
    } catch {
      return null
    }
  }

  #write(id: string, machine: SimulatedMachine): void {
    const temporary = `${this.#path(id)}.tmp`
    writeFileSync(temporary, JSON.stringify(machine))
    renameSync(temporary, this.#path(id))
  }
}

function isOn(machine: SimulatedMachine): boolean {
  return machine.bootId !== null && (machine.stopsAt === null || Date.now() < machine.stopsAt)
}
