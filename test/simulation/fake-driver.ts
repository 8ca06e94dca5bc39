import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { HostError } from '@berth/contract/host/host-error'
import type { CensusEntry } from '@berth/contract/host/census'
import type {
  AccessAtStart,
  AccessChange,
  ApplicationObservation,
  GuestApplication,
  GuestLook,
  HostCapacity,
  MachineDriver,
  MachineObservation,
  MachineSpec,
} from '../../packages/server/src/drivers/machine-driver.ts'
import { SIMULATED_PUBLIC_KEY } from '../../packages/server/src/drivers/simulated/simulated-key.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { EffectRunner } from './effects.ts'
import type { FakeProcess } from './fake-processes.ts'
import type { FakeMachine, FakeWorld } from './fake-world.ts'

const SHUTDOWN_SECONDS = 3
/** The machine of that name, which is no service, has an image without a guest agent. */
const WITHOUT_AGENT = 'c'
const NEW_MACHINE: Omit<FakeMachine, 'hasAgent'> = {
  seeded: false,
  seededPassword: null,
  password: null,
  seededChange: null,
  stamp: null,
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

  async ensureDisk({ id, identity }: MachineSpec, wasMade: boolean): Promise<void> {
    await this.#effects.run('driver.ensureDisk', () => {
      const { machines } = this.#world
      if (machines.has(id)) return
      if (wasMade) throw new HostError('The disk is gone.')
      machines.set(id, { ...NEW_MACHINE, hasAgent: identity.hostname !== WITHOUT_AGENT })
    })
  }

  async ensureSeed({ id, identity }: MachineSpec, change?: AccessAtStart): Promise<void> {
    await this.#effects.run('driver.ensureSeed', () => {
      const machine = this.#world.machines.get(id)
      if (!machine) throw new HostError('There is no directory for the seed.')
      if (!machine.seeded) machine.seededPassword = identity.password ?? ''
      machine.seeded = true
      if (change) machine.seededChange = { stamp: change.stamp, password: change.password ?? '' }
    })
  }

  /** Spawns a process, unless there is one, and waits until that has the lock; the server may die in between. */
  async ensureRunning(spec: MachineSpec, note: string): Promise<string | null> {
    const { processes } = this.#world
    const { running, own } = await this.#effects.run('driver.spawn', () => this.#spawn(spec, note))
    return this.#effects.run('driver.ensureRunning', () => {
      if (own && !processes.launch(own, this.#now()))
        throw new HostError('The machine is being started or is just ending.')
      return running.note
    })
  }

  #spawn(
    { id, nic, vcpus, containerDisk }: MachineSpec,
    note: string,
  ): { running: FakeProcess; own?: FakeProcess } {
    const { machines, ports, processes } = this.#world
    if (!machines.get(id)?.seeded) throw new HostError('The machine has no disk or no seed.')
    const running = processes.findToStart(id, this.#now())
    if (running && !running.isDead) return { running }
    // One whose guest can never go on gives way.
    if (running) processes.end(running)
    if (![...ports].some((port) => port.endsWith(`/${nic.tap}`))) throw new HostError('There is no tap.')
    const hasContainerDisk = containerDisk !== undefined
    const own = processes.spawn({ machineId: id, vcpus, hasContainerDisk, note }, this.#now())
    return { running: own, own }
  }

  async observe(id: string): Promise<MachineObservation> {
    return this.#effects.run('driver.observe', (): MachineObservation => {
      const process = this.#world.processes.find(id, this.#now())
      if (!process) return { exists: this.#world.machines.has(id), power: 'stopped' }
      if (process.isDead) return { exists: true, power: 'stopped', problem: 'The guest’s kernel panicked.' }
      const { bootId, bootsAt } = process
      if (bootId === null || this.#now() < bootsAt) return { exists: true, power: 'running' }
      const access = this.#world.machines.get(id)?.stamp ?? null
      const report = { bootId, state: 'ok', ...(access === null ? {} : { access }) } as const
      return { exists: true, power: 'running', report }
    })
  }

  async lookInside(id: string): Promise<GuestLook> {
    return this.#effects.run('driver.lookInside', (): GuestLook => {
      const process = this.#world.processes.find(id, this.#now())
      const bootId = process?.isDead === false ? process.bootId : null
      const hasAgent = this.#world.machines.get(id)?.hasAgent === true
      return bootId !== null && hasAgent ? { agent: 'answering', clockAheadMs: 0 } : { agent: 'absent' }
    })
  }

  async setClock(): Promise<void> {}

  async changeAccess(id: string, { password }: AccessChange): Promise<void> {
    await this.#effects.run('driver.changeAccess', () => {
      this.#upMachine(id).machine.password = password ?? ''
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
      const { machine, process } = this.#upMachine(id)
      if (application !== null && !process.hasContainerDisk)
        throw new HostError('The guest has no container images.')
      machine.applicationPort = application?.port ?? null
    })
  }

  async adoptApplication(id: string): Promise<void> {
    await this.#effects.run('driver.adoptApplication', () => void this.#upMachine(id))
  }

  async observeApplication(id: string, { port }: GuestApplication): Promise<ApplicationObservation> {
    return this.#effects.run('driver.observeApplication', (): ApplicationObservation => {
      const answers = this.#upMachine(id).machine.applicationPort === port
      return { state: answers ? 'answering' : 'starting', detail: 'HTTP', log: [] }
    })
  }

  async requestPowerOff(id: string): Promise<void> {
    await this.#effects.run('driver.requestPowerOff', () => {
      const process = this.#world.processes.find(id, this.#now())
      // A launcher has no power button yet, and a deaf guest ignores it and has to be switched off.
      if (process && process.bootId !== null && !process.isDeaf && !process.isDead)
        process.stopsAt ??= this.#now() + SHUTDOWN_SECONDS * SECOND
    })
  }

  async ensureStopped(id: string): Promise<void> {
    await this.#effects.run('driver.ensureStopped', () => this.#world.processes.kill(id))
  }

  async remove(id: string): Promise<void> {
    await this.#effects.run('driver.remove', () => {
      this.#world.processes.kill(id)
      this.#world.machines.delete(id)
    })
  }

  async consoleTail(): Promise<string> {
    return ''
  }

  async census(): Promise<CensusEntry[]> {
    return []
  }

  /** A guest's agent answers only while it is up. */
  #upMachine(id: string): { machine: FakeMachine; process: FakeProcess } {
    const machine = this.#world.machines.get(id)
    const process = this.#world.processes.find(id, this.#now())
    if (!machine || !process || process.bootId === null || process.isDead || this.#now() < process.bootsAt)
      throw new AgentUnavailable('silent')
    if (!machine.hasAgent) throw new AgentUnavailable('absent')
    return { machine, process }
  }
}
