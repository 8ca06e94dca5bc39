import { setImmediate as tick } from 'node:timers/promises'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { nextDue } from '../../packages/server/src/store/work-items.ts'
import { FakeWorld } from './fake-world.ts'
import { Gates } from './gates.ts'
import type { Installation } from './installation.ts'
import { Life, WORKERS } from './life.ts'
import { NAMES } from './objects.ts'
import { targetsOf } from './points.ts'
import { Promises } from './promises.ts'
import { Random } from './random.ts'
import { Requests } from './requests.ts'
import { seedIds } from './seeded-ids.ts'

const REQUESTS = [
  'apply',
  'apply',
  'publish',
  'publish',
  'stop',
  'stop',
  'start',
  'start',
  'reboot',
  'delete',
] as const
const TURNS = 250
const GATES_A_TURN = 3
/** How much of its log a run shows that broke a promise. */
const LOG_LINES = 200

/** One run of the real API, store, engine and lifecycle on a pretended host, in virtual time, decided by a seed. */
export class Simulation {
  readonly #random: Random
  readonly #world = new FakeWorld()
  readonly #gates: Gates
  readonly #clock: { time: number }
  readonly #crashedAt: Set<string>
  /** The points at which the server is still to die for sure. */
  readonly #targets: Set<string>
  readonly #log: string[] = []
  readonly #installation: Installation
  readonly #store: Store
  readonly #promises: Promises
  readonly #requests: Requests
  #isFaulty = true
  #life!: Life
  #lives = 1

  private constructor(seed: number, installation: Installation, crashedAt: Set<string>) {
    this.#random = new Random(seed)
    this.#installation = installation
    this.#store = installation.store
    this.#promises = new Promises(installation.store, this.#world)
    this.#clock = installation.clock
    const note = (text: string) => this.#note(text)
    this.#gates = new Gates(note)
    this.#requests = new Requests(installation, this.#gates, note)
    this.#crashedAt = crashedAt
    this.#targets = new Set(targetsOf(seed))
  }

  /**
   * Plays the run that the seed decides.
   * @param installation one that no run has ended on with an error
   * @param crashedAt gets the named points at which its servers died
   * @returns what happened, the same whenever and after whatever the seed is played
   * @throws Error that says which promise was broken, with the log of the run
   */
  static async play(seed: number, installation: Installation, crashedAt: Set<string>): Promise<string[]> {
    await installation.beginRun()
    const simulation = new Simulation(seed, installation, crashedAt)
    const endSeededIds = seedIds(new Random(seed))
    try {
      await simulation.#play()
      return simulation.#log
    } catch (error) {
      const log = simulation.#log.slice(-LOG_LINES).join('\n')
      throw new Error(`Seed ${seed}: ${error instanceof Error ? error.message : 'failed'}\n${log}`, {
        cause: error,
      })
    } finally {
      simulation.#gates.close()
      await tick()
      endSeededIds()
    }
  }

  /** The API keeps nothing between requests, so one of it serves every life of the server. */
  async #play(): Promise<void> {
    this.#life = await this.#beginLife()
    for (const name of NAMES.slice(0, 2)) this.#requests.apply(this.#life, name, 1, true)
    for (let turn = 0; turn < TURNS; turn++) await this.#turn()
    this.#isFaulty = false
    this.#life.effects.faulty = false
    await this.#comeToRest()
    await this.#checkPromises()
    await this.#recoverFailed()
    await this.#checkPromises()
    await this.#changeSome()
    await this.#startStopped()
    await this.#checkPromises()
    await this.#deleteAll()
  }

  async #turn(): Promise<void> {
    await this.#meetTarget()
    const dice = this.#random.next()
    if (dice < 0.06) this.#request()
    else if (dice < 0.07) await this.#restart()
    else if (dice < 0.075) this.#killGuest()
    else if (dice < 0.077) await this.#rebootHost()
    else if (dice < 0.09 && this.#gates.abandoned > 0) await this.#wakeStaleWorker()
    else if (dice < 0.35) this.#life.work()
    else if (dice < 0.85 && this.#gates.size > 0) await this.#goOn()
    else this.#pass(this.#random.chance(0.06) ? 120 : this.#random.next() * 4)
    await this.#rest()
  }

  /** Most of what happens is that work goes on. */
  async #goOn(): Promise<void> {
    for (let gate = 0; gate < GATES_A_TURN && this.#gates.size > 0; gate++) {
      this.#gates.resumeOne(this.#random)
      await this.#rest()
      await this.#meetTarget()
    }
  }

  /** Until whatever goes on waits at a named point. */
  async #rest(): Promise<void> {
    await tick()
    await this.#requests.comeToRest()
    const [twice] = this.#world.processes.overlaps
    if (twice !== undefined) throw new Error(`Two processes had the disk of ${twice} open.`)
  }

  async #meetTarget(): Promise<void> {
    const target = [...this.#targets].find((point) => this.#gates.waitsAt(point))
    if (target === undefined) return
    this.#targets.delete(target)
    await this.#restart()
  }

  /** The server dies where it stands and another one starts. */
  async #restart(): Promise<void> {
    for (const label of this.#gates.abandonAll()) this.#crashedAt.add(label)
    const died = this.#life
    died.end()
    this.#lives++
    this.#note(`server ${this.#lives} starts`)
    this.#life = await this.#beginLife()
    this.#requests.askAgain(died, this.#life, () => !this.#isFaulty || this.#random.chance(0.5))
  }

  async #beginLife(): Promise<Life> {
    return Life.begin({
      installation: this.#installation,
      world: this.#world,
      gates: this.#gates,
      random: this.#random,
      isFaulty: this.#isFaulty,
    })
  }

  /** A step of a server that was given up goes on after all: another holds its lease, so it writes nothing. */
  async #wakeStaleWorker(): Promise<void> {
    const before = await this.#installation.snapshot()
    this.#note('a stale worker wakes up')
    this.#gates.resumeAbandoned(this.#random)
    await this.#rest()
    if ((await this.#installation.snapshot()) !== before)
      throw new Error('A worker of an earlier life of the server wrote to the database.')
  }

  #pass(seconds: number): void {
    this.#clock.time += Math.round(seconds * SECOND)
  }

  /** The power goes: what lives in the kernel is gone, what lies on the disk is there. */
  async #rebootHost(): Promise<void> {
    this.#world.processes.killAll()
    this.#world.projects.clear()
    this.#world.ports.clear()
    this.#world.forwards.clear()
    this.#note('the host reboots')
    await this.#restart()
  }

  #killGuest(): void {
    const running = this.#world.processes.guests(this.#clock.time)
    if (running.length === 0) return
    const { machineId: id } = this.#random.pick(running)
    // Some guests take their process with them; of some it goes on.
    const isPanic = this.#random.chance(0.5)
    if (isPanic) this.#world.processes.panic(id)
    else this.#world.processes.kill(id)
    this.#note(`guest of ${id} ${isPanic ? 'panics' : 'dies'}`)
  }

  #request(): void {
    const name = this.#random.pick(NAMES)
    const kind = this.#random.pick(REQUESTS)
    if (kind === 'apply') {
      const size = 1 + Math.floor(this.#random.next() * 3)
      this.#requests.apply(this.#life, name, size, this.#random.chance(0.7))
    } else if (kind === 'delete') {
      this.#requests.delete(this.#life, name)
    } else {
      this.#requests.ask(this.#life, name, kind)
    }
  }

  /** Lets everything finish that is under way, for at most an hour of virtual time. */
  async #comeToRest(): Promise<void> {
    const end = this.#clock.time + 3_600 * SECOND
    let calm = 0
    while (this.#clock.time < end && calm < 3) {
      for (let worker = 0; worker < WORKERS; worker++) this.#life.work()
      await this.#rest()
      while (this.#gates.size > 0) {
        await this.#meetTarget()
        if (this.#gates.size > 0) this.#gates.resumeOne(this.#random)
        await this.#rest()
      }
      if (!this.#life.isAtRest) continue
      const due = await nextDue(this.#store.db)
      calm = (await this.#promises.isSettled()) ? calm + 1 : 0
      if (due !== null) this.#clock.time = Math.max(this.#clock.time + SECOND / 10, due)
      else if (calm === 0) this.#pass(1)
    }
    if (calm < 3)
      throw new Error(`It did not come to rest within an hour: ${await this.#promises.statuses()}`)
  }

  async #checkPromises(): Promise<void> {
    await this.#promises.check(this.#requests.accepted, (name) => this.#requests.read(name), this.#clock.time)
  }

  /** Publishing again mends what failed, now that the host behaves. */
  async #recoverFailed(): Promise<void> {
    for (const name of NAMES) {
      if ((await this.#requests.read(name))?.status.status === 'failed')
        this.#requests.ask(this.#life, name, 'publish')
    }
    await this.#comeToRest()
    for (const name of NAMES) {
      const read = await this.#requests.read(name)
      // Four instances can ask for more than the host has: then one may wait in vain, and says so.
      if (/^(Waiting for|No) room/.test(read?.status.reason ?? '')) continue
      if (read?.status.status === 'failed')
        throw new Error(`${name} failed on a host that behaves: ${read.status.reason}`)
    }
  }

  /** What takes more calm than there is among crashes: a service is changed as it runs, another while it is stopped. */
  async #changeSome(): Promise<void> {
    const size = 1 + Math.floor(this.#random.next() * 3)
    const [changed, stopped] = this.#random.chance(0.5) ? (['b', 'd'] as const) : (['d', 'b'] as const)
    this.#requests.apply(this.#life, changed, size, true)
    this.#requests.ask(this.#life, stopped, 'stop')
    await this.#comeToRest()
    this.#requests.ask(this.#life, 'a', 'reboot')
    this.#requests.apply(this.#life, stopped, size, true)
    await this.#comeToRest()
    await this.#checkPromises()
  }

  /** What was published of a stopped one shows when it runs. */
  async #startStopped(): Promise<void> {
    for (const name of NAMES) {
      if ((await this.#requests.read(name))?.status.actions.includes('start'))
        this.#requests.ask(this.#life, name, 'start')
    }
    await this.#comeToRest()
  }

  async #deleteAll(): Promise<void> {
    for (const name of NAMES) this.#requests.delete(this.#life, name)
    await this.#comeToRest()
    const left = [...this.#world.census(), ...(await this.#promises.rowsLeft())]
    if (left.length > 0) throw new Error(`Everything was deleted, and there is still: ${left.join(', ')}.`)
  }

  #note(text: string): void {
    this.#log.push(`${this.#installation.seconds.toFixed(1)} s  ${text}`)
  }
}
