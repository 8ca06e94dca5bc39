import { HostError } from '@berth/contract/host/host-error'
import type { CensusEntry } from '@berth/contract/host/census'
import type { NetworkDifference } from '../../packages/server/src/network/network-difference.ts'
import type {
  Forward,
  GuestPort,
  NetworkDriver,
  OpenForward,
  ProjectNetwork,
  RuleCounter,
} from '../../packages/server/src/network/network-driver.ts'
import type { EffectRunner } from './effects.ts'
import type { FakeWorld } from './fake-world.ts'

/** The pretended host's network, with the rules of a real one: no port without its project. */
export class FakeNetwork implements NetworkDriver {
  readonly name = 'simulated'
  readonly #world: FakeWorld
  readonly #effects: EffectRunner

  constructor(world: FakeWorld, effects: EffectRunner) {
    this.#world = world
    this.#effects = effects
  }

  async prepare(): Promise<void> {}

  namespaceOf(): null {
    return null
  }

  async ensureProject({ key }: ProjectNetwork): Promise<void> {
    await this.#effects.run('network.ensureProject', () => void this.#world.projects.add(key))
  }

  async removeProject(key: string): Promise<void> {
    await this.#effects.run('network.removeProject', () => {
      const held = [...this.#world.ports].filter((port) => port.startsWith(`${key}/`))
      if (held.length > 0) throw new HostError(`The project still has the ports ${held.join(', ')}.`)
      this.#world.projects.delete(key)
    })
  }

  async ensurePort({ key }: ProjectNetwork, { tap }: GuestPort): Promise<void> {
    await this.#effects.run('network.ensurePort', () => {
      if (!this.#world.projects.has(key)) throw new HostError('The project has no network.')
      this.#world.ports.add(`${key}/${tap}`)
    })
  }

  async portDifferences(): Promise<NetworkDifference[]> {
    return []
  }

  async carriesGuest(key: string, { tap }: GuestPort): Promise<boolean> {
    return this.#effects.run('network.carriesGuest', () => this.#world.ports.has(`${key}/${tap}`))
  }

  async answersArp(key: string, { tap }: GuestPort): Promise<boolean> {
    return this.#effects.run('network.answersArp', () => this.#world.ports.has(`${key}/${tap}`))
  }

  async greetingAt(): Promise<string> {
    return 'SSH-2.0-pretended'
  }

  async ruleCounters(): Promise<RuleCounter[]> {
    return []
  }

  async removePort({ key }: ProjectNetwork, { tap }: GuestPort): Promise<void> {
    await this.#effects.run('network.removePort', () => void this.#world.ports.delete(`${key}/${tap}`))
  }

  async ensureForward({ id, listen }: Forward): Promise<{ address: string; port: number }> {
    return this.#effects.run('network.ensureForward', () => {
      const { forwards } = this.#world
      const place = `${listen.address}:${listen.port}`
      const taken = [...forwards].some(([other, open]) => other !== id && open === place)
      if (taken) throw new HostError(`${listen.address}:${listen.port} is in use.`)
      if (!forwards.has(id)) forwards.set(id, place)
      return placeOf(forwards.get(id) ?? place)
    })
  }

  async forwardsOf(instanceId: string): Promise<OpenForward[]> {
    const open = [...this.#world.forwards].filter(([id]) => id.startsWith(`${instanceId}/`))
    return open.map(([id, place]) => ({
      id,
      networkKey: '',
      protocol: 'tcp',
      listen: placeOf(place),
      target: null,
    }))
  }

  async removeForward(id: string): Promise<void> {
    await this.#effects.run('network.removeForward', () => void this.#world.forwards.delete(id))
  }

  async census(): Promise<CensusEntry[]> {
    return []
  }

  async shutdownIdle(): Promise<void> {
    await this.#effects.run('network.shutdownIdle', () => {})
  }
}

function placeOf(place: string): { address: string; port: number } {
  const [address = '', port] = place.split(':')
  return { address, port: Number(port) }
}
