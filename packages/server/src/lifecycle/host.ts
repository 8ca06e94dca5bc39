import type { ContainerImages } from '../images/container/container-images.ts'
import type { BootImage, MachineDriver } from '../drivers/machine-driver.ts'
import type { NetworkDriver } from '../network/network-driver.ts'
import type { KeyedMutex } from '../host/keyed-mutex.ts'
import type { NetworkPlan } from './network-plan.ts'

/** The outside world that a lifecycle works on: one host. */
export interface Host {
  readonly driver: MachineDriver
  readonly network: NetworkDriver
  readonly plan: NetworkPlan
  /** The guest image of that name, ready to boot; null when the host does not have it. */
  readonly findImage: (name: string) => Promise<BootImage | null>
  readonly containerImages: ContainerImages
  /** Keeps making and removing a project's network apart. */
  readonly projectLocks: KeyedMutex
}
