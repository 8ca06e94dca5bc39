import { HostError } from '@berth/contract/host/host-error'
import type { CensusEntry } from '@berth/contract/host/census'
import type {
  AccessChange,
  ApplicationObservation,
  GuestApplication,
  HostCapacity,
  MachineDriver,
  MachineObservation,
  MachineSpec,
} from '../../packages/server/src/drivers/machine-driver.ts'
import { SIMULATED_PUBLIC_KEY } from '../../packages/server/src/drivers/simulated/simulated-key.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { EffectRunner } from './effects.ts'
import { isRunning, type FakeMachine, type FakeWorld } from './fake-world.ts'

const BOOT_SECONDS = 5
const SHUTDOWN_SECONDS = 3
const NEW_MACHINE: FakeMachine = {
  seeded: false,
  bootId: null,
  bootsAt: 0,
  stopsAt: null,
  deaf: false,
  hasContainerDisk: false,
  vcpus: 0,
  seededPassword: null,
  password: null,
  note: null,
  applicationPort: null,
}

/** Machines on the pretended host, with the rules of a real one: no start without a disk and a seed. */
export class FakeDriver implements MachineDriver {
  readonly name = 'simulated'
  readonly #world: FakeWorld
  readonly #effects: EffectRunner
  readonly #now: () => number

  constructor(world: FakeWorld, effects: EffectRunner, now: () => number) {
    this.#world = world
    this.#effects = effects
    this.#now = now
  }

  async prepare(): Promise<void> {}

  async capacity(): Promise<HostCapacity> {
    return { vcpus: 8, memoryMib: 8 * 1024, gpus: {} }
  }

  async ensureDisk({ id }: MachineSpec, wasMade: boolean): Promise<void> {
    await this.#effects.run('driver.ensureDisk', () => {
      const { machines } = this.#world
      if (machines.has(id)) return
      if (wasMade) throw new HostError('The disk is gone.')
      machines.set(id, { ...NEW_MACHINE })
    })
  }

  async ensureSeed({ id, identity }: MachineSpec): Promise<void> {
    await this.#effects.run('driver.ensureSeed', () => {
      const machine = this.#world.machines.get(id)
      if (!machine) throw new HostError('There is no directory for the seed.')
      machine.seeded = true
      machine.seededPassword = identity.password ?? ''
    })
  }

  async ensureRunning({ id, nic, vcpus, containerDisk }: MachineSpec, note: string): Promise<string | null> {
    return this.#effects.run('driver.ensureRunning', () => {
      const machine = this.#world.machines.get(id)
      if (!machine?.seeded) throw new HostError('The machine has no disk or no seed.')
      if (isRunning(machine, this.#now())) return machine.note
      if (![...this.#world.ports].some((port) => port.endsWith(`/${nic.tap}`)))
        throw new HostError('There is no tap.')
      machine.bootId = this.#world.nextBootId()
      machine.deaf = this.#world.nextIsDeaf()
      machine.bootsAt = this.#now() + BOOT_SECONDS * SECOND
      machine.stopsAt = null
      machine.hasContainerDisk = containerDisk !== undefined
      machine.vcpus = vcpus
      machine.password ??= machine.seededPassword
      machine.note = note
      return note
    })
  }

  async observe(id: string): Promise<MachineObservation> {
    return this.#effects.run('driver.observe', (): MachineObservation => {
      const machine = this.#world.machines.get(id)
      if (!machine || !isRunning(machine, this.#now()))
        return { exists: machine !== undefined, power: 'stopped' }
      const { bootId, bootsAt } = machine
      const up = bootId !== null && this.#now() >= bootsAt
      return { exists: true, power: 'running', ...(up ? { report: { bootId, state: 'ok' } } : {}) }
    })
  }

  async changeAccess(id: string, { password }: AccessChange): Promise<void> {
    await this.#effects.run('driver.changeAccess', () => {
      this.#upMachine(id).password = password ?? ''
    })
  }

  async applicationKey(id: string): Promise<string> {
    return this.#effects.run('driver.applicationKey', () => {
      this.#upMachine(id)
      return SIMULATED_PUBLIC_KEY
    })
  }

  async ensureApplication(id: string, application: GuestApplication | null): Promise<void> {
    await this.#effects.run('driver.ensureApplication', () => {
      const machine = this.#upMachine(id)
      if (application !== null && !machine.hasContainerDisk)
        throw new HostError('The guest has no container images.')
      machine.applicationPort = application?.port ?? null
    })
  }

  async observeApplication(id: string, { port }: GuestApplication): Promise<ApplicationObservation> {
    return this.#effects.run('driver.observeApplication', (): ApplicationObservation => {
      const answers = this.#upMachine(id).applicationPort === port
      return { state: answers ? 'answering' : 'starting', detail: 'HTTP', log: '' }
    })
  }

  async requestPowerOff(id: string): Promise<void> {
    await this.#effects.run('driver.requestPowerOff', () => {
      const machine = this.#world.machines.get(id)
      // A deaf guest ignores the button, and has to be switched off.
      if (machine && !machine.deaf) machine.stopsAt ??= this.#now() + SHUTDOWN_SECONDS * SECOND
    })
  }

  async ensureStopped(id: string): Promise<void> {
    await this.#effects.run('driver.ensureStopped', () => {
      const machine = this.#world.machines.get(id)
      if (machine) machine.bootId = null
    })
  }

  async remove(id: string): Promise<void> {
    await this.#effects.run('driver.remove', () => void this.#world.machines.delete(id))
  }

  async consoleTail(): Promise<string> {
    return ''
  }

  async census(): Promise<CensusEntry[]> {
    return []
  }

  /** A guest's agent answers only while it is up. */
  #upMachine(id: string): FakeMachine {
    const machine = this.#world.machines.get(id)
    if (!machine || !isRunning(machine, this.#now()) || this.#now() < machine.bootsAt)
      throw new HostError('The guest agent does not answer.')
    return machine
  }
}
