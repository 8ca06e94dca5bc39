import { INSTANCE_KINDS } from '@berth/contract/instance-kind'
import { POWER_STATES, STATUS_WORDS } from '@berth/contract/instance-status'
import { Gauge, type GaugeConfiguration, type Registry } from 'prom-client'
import type { HostCapacity } from '../../drivers/machine-driver.ts'
import { reservedByOthers } from '../../store/compute-instances.ts'
import { instancesByStatus, machinesByPower, troubledByKind } from '../../store/object-figures.ts'
import type { Store } from '../../store/store.ts'
import { lateItems } from '../../store/work-items.ts'

/** Adds the figures that are read from the database and the host at each scrape. */
export function addObjectMetrics(
  registry: Registry,
  store: Store,
  capacity: () => Promise<HostCapacity>,
): void {
  const register = registering(registry)
  register({
    name: 'berth_objects',
    help: 'Objects by kind and status.',
    labelNames: ['kind', 'status'],
    async collect() {
      for (const kind of INSTANCE_KINDS) {
        for (const status of STATUS_WORDS) this.set({ kind, status }, 0)
      }
      for (const { kind, status, count } of await instancesByStatus(store.db))
        this.set({ kind, status }, count)
    },
  })
  register({
    name: 'berth_stuck_objects',
    help: 'Objects whose step has been under way, or due, for far too long, by kind.',
    labelNames: ['kind'],
    async collect() {
      const items = await lateItems(store.db)
      // Nothing is awaited from here on: two scrapes at once must not count twice.
      this.reset()
      for (const kind of INSTANCE_KINDS) this.set({ kind }, 0)
      for (const { kind } of items) this.inc({ kind })
    },
  })
  register({
    name: 'berth_troubled_objects',
    help: 'Running objects whose reason tells of a problem, by kind.',
    labelNames: ['kind'],
    async collect() {
      const found = await troubledByKind(store.db)
      for (const kind of INSTANCE_KINDS) this.set({ kind }, 0)
      for (const { kind, count } of found) this.set({ kind }, count)
    },
  })
  register({
    name: 'berth_guests',
    help: 'Machines on this host by power state, as last observed.',
    labelNames: ['power'],
    async collect() {
      for (const power of POWER_STATES) this.set({ power }, 0)
      for (const { power, count } of await machinesByPower(store.db)) this.set({ power }, count)
    },
  })
  addHostMetrics(registry, store, capacity)
}

function addHostMetrics(registry: Registry, store: Store, capacity: () => Promise<HostCapacity>): void {
  const register = registering(registry)
  const reserved = () => reservedByOthers(store.db, '')
  const gauge = (name: string, help: string, read: () => Promise<number>) =>
    register({
      name,
      help,
      async collect() {
        this.set(await read())
      },
    })
  const mib = 2 ** 20
  gauge('berth_host_memory_bytes', 'Memory that guests may have in all.', async () => {
    return (await capacity()).memoryMib * mib
  })
  gauge('berth_host_memory_reserved_bytes', 'Memory that instances have reserved.', async () => {
    return (await reserved()).memoryMib * mib
  })
  gauge('berth_host_vcpus', 'Virtual CPUs that guests may have in all.', async () => {
    return (await capacity()).vcpus
  })
  gauge('berth_host_vcpus_reserved', 'Virtual CPUs that instances have reserved.', async () => {
    return (await reserved()).vcpus
  })
  register({
    name: 'berth_host_gpus',
    help: 'GPUs that guests may have, by model.',
    labelNames: ['model'],
    async collect() {
      for (const [model, count] of Object.entries((await capacity()).gpus)) this.set({ model }, count)
    },
  })
  gauge('berth_host_gpus_reserved', 'GPUs of any model that instances have reserved.', async () => {
    return Object.values((await reserved()).gpus).reduce((sum, count) => sum + count, 0)
  })
}

/** Adds gauges to a registry, and to no other. */
function registering(registry: Registry) {
  return <Label extends string>(options: GaugeConfiguration<Label>): void =>
    registry.registerMetric(new Gauge({ ...options, registers: [] }))
}
