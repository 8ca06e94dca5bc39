import { setImmediate as tick } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import { Engine } from '../../packages/server/src/engine/engine.ts'
import { computeInstanceHandler } from '../../packages/server/src/lifecycle/compute-instance.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import { placedInstances } from '../../packages/server/src/store/compute-instances.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { nextDue, releaseAll, wake } from '../../packages/server/src/store/work-items.ts'
import { Effects } from './effects.ts'
import { fakeAuthority } from './fake-authority.ts'
import { fakeHost } from './fake-host.ts'
import { FakeWorld, isRunning } from './fake-world.ts'
import { Gates } from './gates.ts'
import type { Installation } from './installation.ts'
import { bodyOf, collectionOf, NAMES, type Name } from './objects.ts'
import { CRASH_POINTS, type Points } from './points.ts'
import { Promises, type Promised } from './promises.ts'
import { Random } from './random.ts'

const REQUESTS = [
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
const WORKERS = 3
const TURNS = 600

/** One run of the real API, store, engine and lifecycle on a pretended host, in virtual time, decided by a seed. */
export class Simulation {
  readonly #random: Random
  readonly #world = new FakeWorld()
  readonly #gates: Gates
  readonly #effects: Effects
  readonly #clock: { time: number }
  readonly #promised = new Map<Name, Promised>()
  readonly #points: Points
  readonly #target: string
  readonly #log: string[] = []
  readonly #installation: Installation
  readonly #store: Store
  readonly #promises: Promises
  #engine: Engine | undefined
  #metTarget = false
  #running = 0
  #life = 0

  private constructor(seed: number, installation: Installation, points: Points) {
    this.#random = new Random(seed)
    this.#installation = installation
    this.#store = installation.store
    this.#promises = new Promises(installation.store, this.#world)
    this.#clock = installation.clock
    this.#gates = new Gates(points.passed)
    this.#points = points
    this.#target = CRASH_POINTS[seed % CRASH_POINTS.length] ?? ''
    this.#effects = new Effects(this.#gates, this.#random)
  }

  /**
   * Plays the run that the seed decides.
   * @param installation one that no run has ended on with an error
   * @throws Error that says which promise was broken, with the log of the run
   */
  static async play(seed: number, installation: Installation, points: Points): Promise<void> {
    await installation.beginRun()
    const simulation = new Simulation(seed, installation, points)
    try {
      await simulation.#play()
    } catch (error) {
      const log = simulation.#log.slice(-60).join('\n')
      throw new Error(`Seed ${seed}: ${error instanceof Error ? error.message : 'failed'}\n${log}`, {
        cause: error,
      })
    }
  }

  /** The API keeps nothing between requests, so one of it serves every life of the server. */
  async #play(): Promise<void> {
    await this.#restart()
    for (const name of NAMES.slice(0, 2)) {
      await this.#call('POST', name, '?auto-publish=true', bodyOf(name, 1))
      this.#promised.set(name, 'published')
    }
    for (let turn = 0; turn < TURNS; turn++) await this.#turn()
    this.#effects.faulty = false
    await this.#comeToRest()
    await this.#promises.check(this.#promised, (name) => this.#read(name), this.#clock.time)
    await this.#recoverFailed()
    await this.#deleteAll()
  }

  async #turn(): Promise<void> {
    // Beside the crashes of chance, each run has a point at which its server dies for sure. What earlier runs met
    // has no part in it, or a seed could not be played again alone.
    if (!this.#metTarget && this.#gates.waitsAt(this.#target)) {
      this.#metTarget = true
      await this.#restart()
    }
    const dice = this.#random.next()
    if (dice < 0.06) await this.#request()
    else if (dice < 0.07) await this.#restart()
    else if (dice < 0.075) this.#killGuest()
    else if (dice < 0.077) await this.#rebootHost()
    else if (dice < 0.35) this.#work()
    else if (dice < 0.85 && this.#gates.size > 0) this.#gates.resumeOne(this.#random)
    else this.#pass(this.#random.chance(0.02) ? 120 : this.#random.next() * 4)
    await tick()
  }

  /** The server dies where it stands and another one starts. */
  async #restart(): Promise<void> {
    for (const label of this.#gates.abandonAll()) this.#points.crashedAt.add(label)
    this.#running = 0
    this.#life++
    this.#note(`server ${this.#life} starts`)
    const effects = this.#effects
    const host = fakeHost(this.#world, effects, () => this.#clock.time)
    const authority = await fakeAuthority()
    const { store, secretBox } = this.#installation
    const lifecycle = { store, secretBox, authority, host, onStepped: () => {} }
    const handler = computeInstanceHandler(lifecycle)
    this.#engine = new Engine({
      store: this.#store,
      handlers: { ComputeInstance: handler, Service: handler },
      random: () => this.#random.next(),
    })
    await this.#store.transaction(async (tx) => {
      await releaseAll(tx, this.#clock.time)
      for (const { kind, id } of await placedInstances(tx)) await wake(tx, kind, id, this.#clock.time)
    })
  }

  #work(): void {
    if (this.#running >= WORKERS) return
    const life = this.#life
    this.#running++
    void this.#engine?.runOne().finally(() => {
      if (life === this.#life) this.#running--
    })
  }

  #pass(seconds: number): void {
    this.#clock.time += Math.round(seconds * SECOND)
  }

  /** The power goes: what lives in the kernel is gone, what lies on the disk is there. */
  async #rebootHost(): Promise<void> {
    for (const machine of this.#world.machines.values()) machine.bootId = null
    this.#world.projects.clear()
    this.#world.ports.clear()
    this.#world.forwards.clear()
    this.#note('the host reboots')
    await this.#restart()
  }

  #killGuest(): void {
    const running = [...this.#world.machines].filter(([, machine]) => isRunning(machine, this.#clock.time))
    if (running.length === 0) return
    const [id, machine] = this.#random.pick(running)
    machine.bootId = null
    this.#note(`guest of ${id} dies`)
  }

  async #request(): Promise<void> {
    const name = this.#random.pick(NAMES)
    const kind = this.#random.pick(REQUESTS)
    if (kind === 'apply') {
      const body = bodyOf(name, 1 + Math.floor(this.#random.next() * 3))
      if ((await this.#call('POST', name, '', body)) < 300) this.#promised.set(name, 'applied')
    } else if (kind === 'publish') {
      if ((await this.#call('POST', name, '/publish')) < 300) this.#promised.set(name, 'published')
    } else if (kind === 'delete') {
      if ((await this.#call('DELETE', name)) < 300) this.#promised.set(name, 'deleted')
    } else {
      const accepted = (await this.#call('POST', name, `/action/${kind}`)) < 300
      if (accepted) this.#passPoint(`request.${kind}`)
    }
  }

  async #call(method: 'POST' | 'DELETE', name: Name, path = '', body?: object): Promise<number> {
    const url = body === undefined ? `${collectionOf(name)}/${name}${path}` : collectionOf(name) + path
    const answer = await this.#installation.call(method, url, body)
    this.#note(`${method} ${name}${path} → ${answer.status}`)
    if (answer.status >= 500)
      throw new Error(`A request was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.status
  }

  #passPoint(name: string): void {
    const { passed } = this.#points
    passed.set(name, (passed.get(name) ?? 0) + 1)
  }

  async #read(name: Name): Promise<ComputeInstance | Service | null> {
    const { status, body } = await this.#installation.call('GET', `${collectionOf(name)}/${name}`)
    return status === 404 ? null : (body as ComputeInstance)
  }

  /** Lets everything finish that is under way, for at most an hour of virtual time. */
  async #comeToRest(): Promise<void> {
    const end = this.#clock.time + 3_600 * SECOND
    let calm = 0
    while (this.#clock.time < end && calm < 3) {
      for (let worker = 0; worker < WORKERS; worker++) this.#work()
      await tick()
      while (this.#gates.size > 0) {
        this.#gates.resumeOne(this.#random)
        await tick()
      }
      if (this.#running > 0) continue
      const due = await nextDue(this.#store.db)
      calm = (await this.#promises.isSettled()) ? calm + 1 : 0
      if (due !== null) this.#clock.time = Math.max(this.#clock.time + SECOND / 10, due)
      else if (calm === 0) this.#pass(1)
    }
    if (calm < 3)
      throw new Error(`It did not come to rest within an hour: ${await this.#promises.statuses()}`)
  }

  /** Publishing again mends what failed, now that the host behaves. */
  async #recoverFailed(): Promise<void> {
    for (const name of NAMES) {
      if ((await this.#read(name))?.status.status === 'failed') await this.#call('POST', name, '/publish')
    }
    await this.#comeToRest()
    for (const name of NAMES) {
      const read = await this.#read(name)
      // Four instances can ask for more than the host has: then one may wait in vain, and says so.
      if (/^(Waiting for|No) room/.test(read?.status.reason ?? '')) continue
      if (read?.status.status === 'failed')
        throw new Error(`${name} failed on a host that behaves: ${read.status.reason}`)
    }
  }

  async #deleteAll(): Promise<void> {
    for (const name of NAMES) await this.#call('DELETE', name)
    await this.#comeToRest()
    const left = [...this.#world.census(), ...(await this.#promises.rowsLeft())]
    if (left.length > 0) throw new Error(`Everything was deleted, and there is still: ${left.join(', ')}.`)
  }

  #note(text: string): void {
    this.#log.push(`${this.#installation.seconds.toFixed(1)} s  ${text}`)
  }
}
