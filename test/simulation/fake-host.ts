import { KeyedMutex } from '../../packages/server/src/host/keyed-mutex.ts'
import type { Host } from '../../packages/server/src/lifecycle/host.ts'
import { NetworkPlan } from '../../packages/server/src/lifecycle/network-plan.ts'
import type { EffectRunner } from './effects.ts'
import { FakeContainerImages } from './fake-container-images.ts'
import { FakeDriver } from './fake-driver.ts'
import { FakeNetwork } from './fake-network.ts'
import type { FakeWorld } from './fake-world.ts'

/** The pretended host as one life of the server sees it. */
export function fakeHost(world: FakeWorld, effects: EffectRunner, now: () => number): Host {
  return {
    driver: new FakeDriver(world, effects, now),
    network: new FakeNetwork(world, effects),
    plan: new NetworkPlan('10.64.0.0/20'),
    projectLocks: new KeyedMutex(),
    containerImages: new FakeContainerImages(world, effects, now),
    findImage: async (name) => ({ name, digest: '', bootMode: 'kernel', defaultUser: 'debian' }),
  }
}
