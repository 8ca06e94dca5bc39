import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import type { Store } from '../../packages/server/src/store/store.ts'
import { isRunning, type FakeMachine, type FakeWorld } from './fake-world.ts'
import type { Name } from './objects.ts'

/** What was last accepted for a name. */
export type Promised = 'applied' | 'published' | 'deleted'

type Reader = (name: Name) => Promise<ComputeInstance | Service | null>

/** Holds what a run left behind against what its requests were promised. */
export class Promises {
  readonly #store: Store
  readonly #world: FakeWorld

  constructor(store: Store, world: FakeWorld) {
    this.#store = store
    this.#world = world
  }

  /** Whether nothing is on its way. */
  async isSettled(): Promise<boolean> {
    const moving = await this.#store.db
      .selectFrom('compute_instances')
      .select('name')
      .where('status', 'in', ['submitted', 'pending', 'destroying'])
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

  /** @throws Error naming the first promise that was broken */
  async check(requests: ReadonlyMap<Name, Promised>, readInstance: Reader, now: number): Promise<void> {
    for (const [name, promised] of requests) {
      const read = await readInstance(name)
      if (promised === 'deleted') {
        if (read) throw new Error(`${name} was deleted and is there: ${read.status.status}.`)
        continue
      }
      if (!read) throw new Error(`${name} was ${promised} and is gone.`)
      const { status, reason, powerState } = read.status
      if (reason === '') throw new Error(`${name} is ${status} without a reason.`)
      if (promised === 'published' && status !== 'success' && status !== 'failed') {
        throw new Error(`${name} was published and is ${status}: ${reason}`)
      }
      const machine = this.#world.machines.get(read.metadata.id)
      const runs = machine !== undefined && isRunning(machine, now)
      if (status === 'success' && runs !== (powerState === 'running')) {
        throw new Error(`${name} says ${powerState}, and its machine ${runs ? 'runs' : 'does not run'}.`)
      }
      if (promised === 'published' && status === 'success' && runs && read.kind === 'Service')
        checkApplication(name, read, machine)
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

/** A service that runs serves its application where it says, or none when it is switched off. */
function checkApplication(name: Name, { spec, status }: Service, machine: FakeMachine): void {
  const config = spec.variables?.find((variable) => variable.name === 'Code Server Config')?.value ?? '{}'
  const { Code_Server_Enabled: enabled, Code_Server_Port: port } = JSON.parse(config) as Record<
    string,
    unknown
  >
  const wanted = enabled === 'True' ? port : null
  if (machine.applicationPort !== wanted) {
    throw new Error(
      `${name} is to serve on ${String(wanted)}, and does on ${machine.applicationPort}: ${status.reason}`,
    )
  }
}
