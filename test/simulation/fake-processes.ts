import { SECOND } from '../../packages/server/src/store/clock.ts'

const BOOT_SECONDS = 5
/** How long a launcher that nobody waits for takes until it is the guest, one after the other. */
const LAUNCH_SECONDS = [0, 2, 40]

/** What a process of a machine is started with. */
export interface FakeStart {
  readonly machineId: string
  readonly vcpus: number
  readonly hasContainerDisk: boolean
  readonly note: string
}

/** A process of a machine: at first a launcher, which belongs to nobody; the guest once it has the machine's lock. */
export interface FakeProcess extends FakeStart {
  /** Null until it has the lock, and with it the disk. */
  bootId: string | null
  /** When a launcher takes the lock by itself, in microseconds. */
  readonly launchesAt: number
  /** When its guest is up. */
  bootsAt: number
  stopsAt: number | null
  /** Whether its guest ignores the power button. */
  isDeaf: boolean
  /** Whether its guest has ended, as by a panic, while the process goes on. */
  isDead: boolean
}

/** The processes of all machines on the pretended host. They outlive the servers that start them. */
export class FakeProcesses {
  /** Of machines whose disk two processes had open at once. */
  readonly overlaps: string[] = []
  #all: FakeProcess[] = []
  #spawned = 0
  #boots = 0
  readonly #deafEvery: number
  readonly #onBoot: (machineId: string) => boolean

  /**
   * @param deafEvery how many guests there are to one that ignores the power button; 0: none does
   * @param onBoot the guest of the machine boots from its disk; false: it has none
   */
  constructor(deafEvery: number, onBoot: (machineId: string) => boolean) {
    this.#deafEvery = deafEvery
    this.#onBoot = onBoot
  }

  /** The machine's process; a launcher where there is no guest. */
  find(machineId: string, now: number): FakeProcess | undefined {
    this.#goOn(now)
    const found = this.#all.filter((process) => process.machineId === machineId)
    return found.find((process) => process.bootId !== null) ?? found[0]
  }

  /**
   * What a start looks for before it spawns a process of its own. Every other launcher has not become visible by then:
   * it is still a child of the server that spawned it and died.
   */
  findToStart(machineId: string, now: number): FakeProcess | undefined {
    const found = this.find(machineId, now)
    return found?.bootId === null && this.#spawned % 2 === 0 ? undefined : found
  }

  guests(now: number): FakeProcess[] {
    this.#goOn(now)
    return this.#all.filter((process) => process.bootId !== null)
  }

  machineIds(): string[] {
    return this.#all.map((process) => process.machineId)
  }

  toJSON(): readonly FakeProcess[] {
    return this.#all
  }

  spawn(start: FakeStart, now: number): FakeProcess {
    const seconds = LAUNCH_SECONDS[this.#spawned++ % LAUNCH_SECONDS.length] ?? 0
    const idle = { bootId: null, bootsAt: 0, stopsAt: null, isDeaf: false, isDead: false }
    const process = { ...start, ...idle, launchesAt: now + seconds * SECOND }
    this.#all.push(process)
    return process
  }

  /** Every launcher of the machine has come to take the lock. @returns whether the process has it */
  launch(process: FakeProcess, now: number): boolean {
    this.#goOn(now)
    const launchers = this.#all.filter(
      ({ machineId, bootId }) => machineId === process.machineId && bootId === null,
    )
    for (const launcher of launchers) this.#takeLock(launcher, now)
    return this.#all.includes(process)
  }

  /** The guest of the machine panics. */
  panic(machineId: string): void {
    for (const process of this.#holdersOf(machineId)) process.isDead = true
  }

  end(ended: FakeProcess): void {
    this.#all = this.#all.filter((process) => process !== ended)
  }

  kill(machineId: string): void {
    this.#all = this.#all.filter((process) => process.machineId !== machineId)
  }

  killAll(): void {
    this.#all = []
  }

  /** What time brings: guests that power off, and launchers that take their lock. */
  #goOn(now: number): void {
    this.#all = this.#all.filter(({ stopsAt }) => stopsAt === null || now < stopsAt)
    for (const process of this.#all)
      if (process.bootId === null && process.launchesAt <= now) this.#takeLock(process, now)
  }

  /** The guard of one guest per machine: the process itself holds the lock, and ends when another one does. */
  #takeLock(process: FakeProcess, now: number): void {
    if (this.#holdersOf(process.machineId).length > 0 || !this.#onBoot(process.machineId)) {
      this.#all = this.#all.filter((other) => other !== process)
      return
    }
    this.#boots++
    process.bootId = `boot-${this.#boots}`
    process.isDeaf = this.#deafEvery > 0 && this.#boots % this.#deafEvery === 0
    process.bootsAt = now + BOOT_SECONDS * SECOND
    if (this.#holdersOf(process.machineId).length > 1) this.overlaps.push(process.machineId)
  }

  #holdersOf(machineId: string): FakeProcess[] {
    return this.#all.filter((process) => process.machineId === machineId && process.bootId !== null)
  }
}
