import { PROJECTS_PATH } from '@berth/contract/api-version'
import { Engine } from '../../packages/server/src/engine/engine.ts'
import type { StepHandler } from '../../packages/server/src/engine/step.ts'
import { computeInstanceHandler } from '../../packages/server/src/lifecycle/compute-instance.ts'
import { takeUpWork } from '../../packages/server/src/lifecycle/take-up-work.ts'
import { instanceById } from '../../packages/server/src/store/compute-instances.ts'
import { SECOND } from '../../packages/server/src/store/clock.ts'
import type { ComputeInstanceRow } from '../../packages/server/src/store/schema.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { nextDue } from '../../packages/server/src/store/work-items.ts'
import { instanceBody, serviceBody } from '../support/api-client.ts'
import { fakeAuthority } from './fake-authority.ts'
import { fakeHost } from './fake-host.ts'
import { FakeWorld } from './fake-world.ts'
import { Installation } from './installation.ts'

/** More steps than any way has, retries until a deadline included. */
const MOST_STEPS = 2_000
const WORKSPACE = `${PROJECTS_PATH}/defaultproject/workspaces/default`
const ON_ITS_WAY = ['submitted', 'pending', 'destroying', 'destroyfailed']

/** As the API's paths say it. */
type Kind = 'computeinstances' | 'services'

/** What the host makes of an effect: does it, throws, or takes the server's process with it (`crash`). */
export type Treatment = <T>(name: string, apply: () => T, crash: () => Promise<never>) => T | Promise<T>

/** One instance on a pretended host that does as it is told, in virtual time: the real API, store and lifecycle. */
export class LifecycleBench {
  readonly world = new FakeWorld(0)
  /** The phases in which steps began. */
  readonly visited = new Set<string>()
  /** What becomes of each effect. */
  treat: Treatment = (_name, apply) => apply()
  /** What becomes of each step. */
  wrap: (handler: StepHandler) => StepHandler = (handler) => handler
  readonly #installation: Installation
  readonly #store: Store
  readonly #clock: { time: number }
  #id = ''
  #kind: Kind = 'computeinstances'
  #rounds = 0

  private constructor(installation: Installation) {
    this.#installation = installation
    this.#store = installation.store
    this.#clock = installation.clock
  }

  /** @param state a directory for the operator's key */
  static async open(state: string): Promise<LifecycleBench> {
    return new LifecycleBench(await Installation.open(state))
  }

  async close(): Promise<void> {
    await this.#installation.close()
  }

  /** Deletes the instance and begins with another, on a host that behaves. @returns what the last one left */
  async beginAnew(): Promise<string[]> {
    this.treat = (_name, apply) => apply()
    this.wrap = (handler) => handler
    if (await this.row()) {
      await this.delete()
      await this.settle()
    }
    this.#rounds++
    return this.left()
  }

  /** Applies and publishes; a service goes through every phase that a machine does. */
  async publish(kind: Kind, cpus: number, password: string, application = true): Promise<void> {
    this.#kind = kind
    const variables = [
      { name: 'Guest CPU Count', value: String(cpus) },
      { name: 'Guest Password', value: password },
      { name: 'Port Forwards', value: '[{"source":"any","internal_port":80}]' },
    ]
    const enabled = application ? 'True' : 'False'
    const config = JSON.stringify({ Code_Server_Enabled: enabled, Code_Server_Password: password })
    const body =
      kind === 'computeinstances'
        ? instanceBody(this.#name, variables)
        : serviceBody(
            this.#name,
            [...variables, { name: 'Code Server Config', value: config }],
            'code-server',
          )
    await this.#call('POST', '', body)
    const published = await this.#call('POST', `/${this.#name}/publish`)
    this.#id = (published as { metadata: { id: string } }).metadata.id
  }

  async act(action: 'start' | 'stop' | 'reboot'): Promise<void> {
    await this.#call('POST', `/${this.#name}/action/${action}`)
  }

  /** Repeated, or once it is gone, it changes nothing. */
  async delete(): Promise<void> {
    await this.#call('DELETE', `/${this.#name}`)
  }

  /** Its guest ends by itself, and is next looked after when that is due. */
  async killGuest(): Promise<void> {
    this.world.processes.kill(this.#id)
    this.#clock.time = Math.max(this.#clock.time, (await nextDue(this.#store.db)) ?? 0)
  }

  /** Its guest panics and its process goes on; it is next looked after when that is due. */
  async panicGuest(): Promise<void> {
    this.world.processes.panic(this.#id)
    this.#clock.time = Math.max(this.#clock.time, (await nextDue(this.#store.db)) ?? 0)
  }

  /** Whether an agent runs in its guest from now on. */
  setAgent(hasAgent: boolean): void {
    const machine = this.world.machines.get(this.#id)
    if (machine) machine.hasAgent = hasAgent
  }

  /** Time passes, in seconds, and what is due is done. */
  async wait(seconds: number): Promise<void> {
    this.#clock.time += seconds * SECOND
    await this.settle()
  }

  /** What logs in to its guest. */
  get password(): string | null | undefined {
    return this.world.machines.get(this.#id)?.password
  }

  async row(): Promise<ComputeInstanceRow | undefined> {
    return instanceById(this.#store.db, this.#id)
  }

  /** Runs steps until nothing is on its way, and the instance was looked after once. */
  async settle(): Promise<void> {
    let life = this.#start()
    for (let step = 0; step < MOST_STEPS; step++) {
      const ended = await Promise.race([life.engine.runOne(), life.crashed])
      if (ended === 'crashed') {
        life = this.#start()
        await this.#store.transaction((tx) => takeUpWork(tx, this.#clock.time))
      } else if (!ended) {
        const row = await this.row()
        const isMoving =
          row && (ON_ITS_WAY.includes(row.status) || /^Running, but|goes on being tried/.test(row.reason))
        if (!isMoving) return
        this.#clock.time = Math.max(this.#clock.time + 1, (await nextDue(this.#store.db)) ?? 0)
      }
    }
    const row = await this.row()
    throw new Error(`It does not come to rest: ${row?.status} in ${row?.phase}: ${row?.reason}`)
  }

  /** The types of the instance's events, oldest first. */
  async events(): Promise<string[]> {
    const rows = await this.#store.db
      .selectFrom('events')
      .select('type')
      .where('object_id', '=', this.#id)
      .orderBy('sequence')
      .execute()
    return rows.map((row) => row.type)
  }

  /** What is on the host and, of one that was deleted, in the database: empty when nothing is left. */
  async left(): Promise<string[]> {
    const { db } = this.#store
    const tables = [
      'compute_instances',
      'guest_addresses',
      'public_addresses',
      'external_ports',
      'work_items',
    ]
    const counts = await Promise.all(
      tables.map(async (table) => {
        const rows = await db
          .selectFrom(table as 'work_items')
          .selectAll()
          .execute()
        return rows.map((row) => `${table} ${JSON.stringify(row).slice(0, 80)}`)
      }),
    )
    return [...this.world.census(), ...counts.flat()]
  }

  /** One life of the server. */
  #start(): { engine: Engine; crashed: Promise<'crashed'> } {
    const { promise: crashed, resolve } = Promise.withResolvers<'crashed'>()
    const crash = () => {
      resolve('crashed')
      return new Promise<never>(() => {})
    }
    const effects = {
      run: async <T>(name: string, apply: () => T): Promise<T> => this.treat(name, apply, crash),
    }
    const host = fakeHost(this.world, effects, () => this.#clock.time)
    const parts = { store: this.#store, secretBox: this.#installation.secretBox, host, onStepped: () => {} }
    const life = fakeAuthority().then((authority) => computeInstanceHandler({ ...parts, authority }))
    const noted: StepHandler = async (context) => {
      this.visited.add((await this.row())?.phase ?? 'gone')
      return this.wrap(await life)(context)
    }
    const engine = new Engine({
      store: this.#store,
      handlers: { ComputeInstance: noted, Service: noted },
      random: () => 0,
      leaseSeconds: 3600,
    })
    return { engine, crashed }
  }

  get #name(): string {
    return `proof-${this.#rounds}`
  }

  async #call(method: 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const answer = await this.#installation.call(method, `${WORKSPACE}/${this.#kind}${path}`, body)
    if (answer.status !== 200)
      throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}
