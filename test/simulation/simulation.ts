import { setImmediate as tick } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import { Engine } from '../../packages/server/src/engine/engine.ts'
import { computeInstanceHandler } from '../../packages/server/src/lifecycle/compute-instance.ts'
import { takeUpWork } from '../../packages/server/src/lifecycle/take-up-work.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { nextDue } from '../../packages/server/src/store/work-items.ts'
import { afterRequest, type Accepted, type Request } from './accepted.ts'
import { Effects } from './effects.ts'
import { fakeAuthority } from './fake-authority.ts'
import { fakeHost } from './fake-host.ts'
import { FakeWorld, isRunning } from './fake-world.ts'
import { Gates } from './gates.ts'
import type { Installation } from './installation.ts'
import { bodyOf, collectionOf, NAMES, type Name } from './objects.ts'
import { targetsOf } from './points.ts'
import { Promises } from './promises.ts'
import { Random } from './random.ts'
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
const WORKERS = 3
const TURNS = 600
/** How much of its log a run shows that broke a promise. */
const LOG_LINES = 150

/** One run of the real API, store, engine and lifecycle on a pretended host, in virtual time, decided by a seed. */
export class Simulation {
  readonly #random: Random
  readonly #world = new FakeWorld()
  readonly #gates: Gates
  #effects: Effects
  readonly #clock: { time: number }
  /** What was asked for last of each name; null: that it goes. */
  readonly #accepted = new Map<Name, Accepted | null>()
  readonly #crashedAt: Set<string>
  /** The points at which the server is still to die for sure. */
  readonly #targets: Set<string>
  readonly #log: string[] = []
  readonly #installation: Installation
  readonly #store: Store
  readonly #promises: Promises
  #engine: Engine | undefined
  #running = 0
  #life = 0

  private constructor(seed: number, installation: Installation, crashedAt: Set<string>) {
    this.#random = new Random(seed)
    this.#installation = installation
    this.#store = installation.store
    this.#promises = new Promises(installation.store, this.#world)
    this.#clock = installation.clock
    this.#gates = new Gates((label) => this.#note(label))
    this.#crashedAt = crashedAt
    this.#targets = new Set(targetsOf(seed))
    this.#effects = new Effects(this.#gates, this.#random)
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
      endSeededIds()
    }
  }

  /** The API keeps nothing between requests, so one of it serves every life of the server. */
  async #play(): Promise<void> {
    await this.#restart()
    for (const name of NAMES.slice(0, 2)) await this.#apply(name, 1, true)
    for (let turn = 0; turn < TURNS; turn++) await this.#turn()
    this.#effects.faulty = false
    await this.#comeToRest()
    await this.#checkPromises()
    await this.#recoverFailed()
    await this.#checkPromises()
    await this.#startStopped()
    await this.#checkPromises()
    await this.#deleteAll()
  }

  async #turn(): Promise<void> {
    const target = [...this.#targets].find((point) => this.#gates.waitsAt(point))
    if (target !== undefined) {
      this.#targets.delete(target)
      await this.#restart()
    }
    const dice = this.#random.next()
    if (dice < 0.06) await this.#request()
    else if (dice < 0.07) await this.#restart()
    else if (dice < 0.075) this.#killGuest()
    else if (dice < 0.077) await this.#rebootHost()
    else if (dice < 0.09 && this.#gates.abandoned > 0) await this.#wakeStaleWorker()
    else if (dice < 0.35) this.#work()
    else if (dice < 0.85 && this.#gates.size > 0) this.#gates.resumeOne(this.#random)
    else this.#pass(this.#random.chance(0.06) ? 120 : this.#random.next() * 4)
    await tick()
  }

  /** The server dies where it stands and another one starts. */
  async #restart(): Promise<void> {
    for (const label of this.#gates.abandonAll()) this.#crashedAt.add(label)
    this.#effects.isOver = true
    this.#effects = new Effects(this.#gates, this.#random)
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
    await this.#store.transaction((tx) => takeUpWork(tx, this.#clock.time))
  }

  #work(): void {
    if (this.#running >= WORKERS) return
    const life = this.#life
    this.#running++
    void this.#engine?.runOne().finally(() => {
      if (life === this.#life) this.#running--
    })
  }

  /** A step of a server that was given up goes on after all: another holds its lease, so it writes nothing. */
  async #wakeStaleWorker(): Promise<void> {
    const before = await this.#installation.snapshot()
    this.#note('a stale worker wakes up')
    this.#gates.resumeAbandoned(this.#random)
    await tick()
    if ((await this.#installation.snapshot()) !== before)
      throw new Error('A worker of an earlier life of the server wrote to the database.')
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
      const size = 1 + Math.floor(this.#random.next() * 3)
      await this.#apply(name, size, this.#random.chance(0.7))
    } else if (kind === 'delete') {
      if ((await this.#call('DELETE', name)) < 300) this.#accepted.set(name, null)
    } else {
      await this.#ask(name, kind)
    }
  }

  async #apply(name: Name, size: number, publishes: boolean): Promise<void> {
    const query = publishes ? '?auto-publish=true' : ''
    if ((await this.#call('POST', name, query, bodyOf(name, size))) >= 300) return
    this.#accept(name, { kind: 'apply', size })
    if (publishes) this.#accept(name, { kind: 'publish' })
  }

  async #ask(name: Name, kind: 'publish' | 'start' | 'stop' | 'reboot'): Promise<void> {
    const path = kind === 'publish' ? '/publish' : `/action/${kind}`
    if ((await this.#call('POST', name, path)) < 300) this.#accept(name, { kind })
  }

  #accept(name: Name, request: Request): void {
    this.#accepted.set(name, afterRequest(this.#accepted.get(name) ?? null, request))
  }

  async #call(method: 'POST' | 'DELETE', name: Name, path = '', body?: object): Promise<number> {
    const url = body === undefined ? `${collectionOf(name)}/${name}${path}` : collectionOf(name) + path
    const answer = await this.#installation.call(method, url, body)
    this.#note(`${method} ${name}${path} → ${answer.status}`)
    if (answer.status >= 500)
      throw new Error(`A request was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.status
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

  async #checkPromises(): Promise<void> {
    await this.#promises.check(this.#accepted, (name) => this.#read(name), this.#clock.time)
  }

  /** Publishing again mends what failed, now that the host behaves. */
  async #recoverFailed(): Promise<void> {
    for (const name of NAMES) {
      if ((await this.#read(name))?.status.status === 'failed') await this.#ask(name, 'publish')
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

  /** What was published of a stopped one shows when it runs. */
  async #startStopped(): Promise<void> {
    for (const name of NAMES) {
      if ((await this.#read(name))?.status.actions.includes('start')) await this.#ask(name, 'start')
    }
    await this.#comeToRest()
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
