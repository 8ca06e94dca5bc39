import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import type { Store } from '../../packages/server/src/store/store.ts'
import type { Accepted } from './accepted.ts'
import type { FakeProcess } from './fake-processes.ts'
import type { FakeMachine, FakeWorld } from './fake-world.ts'
import { applicationPortOf, passwordOf, type Name } from './objects.ts'

type Reader = (name: Name) => Promise<ComputeInstance | Service | null>

/** Holds what a run left behind against what its requests were promised. */
export class Promises {
  readonly #store: Store
  readonly #world: FakeWorld

  constructor(store: Store, world: FakeWorld) {
    this.#store = store
    this.#world = world
  }

  /** Whether nothing is on its way or goes on being tried, and no running guest waits to be looked after again. */
  async isSettled(): Promise<boolean> {
    const moving = await this.#store.db
      .selectFrom('compute_instances')
      .select('name')
      .where((eb) =>
        eb.or([
          eb('status', 'in', ['submitted', 'pending', 'destroying']),
          eb('reason', 'like', 'Running, but%'),
          eb('reason', 'like', '%goes on being tried%'),
        ]),
      )
      .execute()
    return moving.length === 0
  }

  /** Every instance's state, for a message. */
  async statuses(): Promise<string> {
    const rows = await this.#store.db
      .selectFrom('compute_instances')
      .select(['name', 'status', 'phase', 'reason'])
      .execute()
    return rows.map((row) => `${row.name} ${row.status} (${row.phase}): ${row.reason}`).join('; ')
  }

  /**
   * @param requests what was asked for last; null: that it goes
   * @throws Error naming the first promise that was broken
   */
  async check(
    requests: ReadonlyMap<Name, Accepted | null>,
    readInstance: Reader,
    now: number,
  ): Promise<void> {
    for (const [name, accepted] of requests) {
      const read = await readInstance(name)
      if (accepted === null) {
        if (read) throw new Error(`${name} was deleted and is there: ${read.status.status}.`)
        continue
      }
      if (!read) throw new Error(`${name} was applied and is gone.`)
      const { status, reason, powerState } = read.status
      if (reason === '') throw new Error(`${name} is ${status} without a reason.`)
      if (accepted.published !== null && status !== 'success' && status !== 'failed') {
        throw new Error(`${name} was published and is ${status}: ${reason}`)
      }
      const machine = this.#world.machines.get(read.metadata.id)
      const process = this.#world.processes.find(read.metadata.id, now)
      const runs = machine !== undefined && process !== undefined
      if (status !== 'success') continue
      if (powerState !== accepted.power)
        throw new Error(`${name} was asked to be ${accepted.power}, and is ${powerState}: ${reason}`)
      if (runs !== (powerState === 'running')) {
        throw new Error(`${name} says ${powerState}, and its machine ${runs ? 'runs' : 'does not run'}.`)
      }
      if (runs) checkConfiguration(name, read, accepted.published, { ...machine, ...process })
    }
    await this.#checkNothingStray()
  }

  /** Whatever is on the host belongs to an instance that is there. */
  async #checkNothingStray(): Promise<void> {
    const rows = await this.#store.db.selectFrom('compute_instances').select('id').execute()
    const ids = new Set(rows.map((row) => row.id))
    for (const id of this.#world.machines.keys())
      if (!ids.has(id)) throw new Error(`Machine ${id} belongs to nobody.`)
    for (const id of this.#world.forwards.keys()) {
      if (!ids.has(id.split('/')[0] ?? '')) throw new Error(`Forward ${id} belongs to nobody.`)
    }
  }

  /** The rows that a clean database would not have. */
  async rowsLeft(): Promise<string[]> {
    const { db } = this.#store
    const instances = await db.selectFrom('compute_instances').select('name').execute()
    const addresses = await db.selectFrom('guest_addresses').select('number').execute()
    const items = await db.selectFrom('work_items').select('object_id').execute()
    return [
      ...instances.map((row) => `row ${row.name}`),
      ...addresses.map((row) => `address ${row.number}`),
      ...items.map((row) => `work item ${row.object_id}`),
    ]
  }
}

/** What runs is what was published, or says what of it waits for the next start. */
function checkConfiguration(
  name: Name,
  { kind, status }: ComputeInstance | Service,
  size: number | null,
  machine: FakeMachine & FakeProcess,
): void {
  if (size === null) throw new Error(`${name} runs, and was never published.`)
  const { vcpus, password, applicationPort } = machine
  if (vcpus !== size && !status.reason.includes(`(${size} vCPUs`))
    throw new Error(`${name} is to have ${size} vCPUs, and has ${vcpus}: ${status.reason}`)
  // A process that a dead server had started may have read the seed before the change was in it.
  const { seededChange, stamp } = machine
  const isHandedOver =
    seededChange?.password === passwordOf(size) &&
    seededChange.stamp !== stamp &&
    status.reason.includes('has not said that it took it; stop and start it')
  if (
    password !== passwordOf(size) &&
    !isHandedOver &&
    !/The new password( and SSH keys)? appl/.test(status.reason)
  )
    throw new Error(`${name} is to take "${passwordOf(size)}", and takes "${password}": ${status.reason}`)
  if (kind === 'Service' && applicationPort !== applicationPortOf(size)) {
    throw new Error(
      `${name} is to serve on ${applicationPortOf(size)}, and does on ${applicationPort}: ${status.reason}`,
    )
  }
}
