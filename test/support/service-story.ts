import assert from 'node:assert/strict'
import type { Service } from '@berth/contract/service'
import type { ApiClient, serviceBody } from './api-client.ts'
import type { TestRegistry } from './container-registry.ts'
import { RealServer } from './real-server.ts'
import { startStandInRegistry } from './stand-in-registry.ts'
import { trustRoot } from './trusted-root.ts'
import { FinalError, waitFor } from './wait-for.ts'

const SERVICES = 'workspaces/default/services'
/** A guest under software emulation takes a minute to boot, more where the machine is busy. */
const DEPLOY_SECONDS = 420

/** A server with real guests, a registry that holds the test images, and what a story does with services. */
export class ServiceStory {
  readonly server: RealServer
  readonly #registry: TestRegistry

  private constructor(server: RealServer, registry: TestRegistry) {
    this.server = server
    this.#registry = registry
  }

  /**
   * @param state directory of the server; an empty one
   * @param settings of the server, as variables
   */
  static async begin(state: string, settings: Readonly<Record<string, string>> = {}): Promise<ServiceStory> {
    const registry = await startStandInRegistry()
    const mirror = `http://${registry.address}`
    const server = await RealServer.start(state, { BERTH_REGISTRY_MIRROR: mirror, ...settings })
    const root = await fetch(new URL('/certificate-authority.pem', server.api.url))
    trustRoot(await root.text())
    return new ServiceStory(server, registry)
  }

  async end(): Promise<void> {
    await this.server.clean()
    await this.#registry.stop()
  }

  get api(): ApiClient {
    return this.server.api
  }

  async apply(body: ReturnType<typeof serviceBody>, query = ''): Promise<void> {
    await this.#call('POST', query, body)
  }

  /** Publishes and waits for success. */
  async publish(name: string): Promise<Service> {
    await this.#call('POST', `/${name}/publish`, {})
    return this.#settled(name, 'success')
  }

  /** Publishes and waits for it to fail. */
  async publishInVain(name: string): Promise<Service> {
    await this.#call('POST', `/${name}/publish`, {})
    return this.#settled(name, 'failed')
  }

  async act(name: string, action: 'start' | 'stop'): Promise<Service> {
    await this.#call('POST', `/${name}/action/${action}`, {})
    return this.#settled(name, 'success')
  }

  async delete(name: string): Promise<void> {
    await this.#call('DELETE', `/${name}`)
    await waitFor(async () => (await this.api.call('GET', `${SERVICES}/${name}`)).status === 404, {
      deadlineSeconds: 60,
      what: `service ${name} to be gone`,
    })
  }

  /** The keys of a service's one output. */
  output({ status }: Service): Readonly<Record<string, { readonly value: string }>> {
    const [template] = Object.values(status.output)
    return Object.values(template?.tasks ?? {})[0] ?? {}
  }

  async #call(method: string, path: string, body?: unknown): Promise<void> {
    const { status, body: answer } = await this.api.call(method, `${SERVICES}${path}`, body)
    assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(answer)}`)
  }

  async #settled(name: string, status: 'success' | 'failed'): Promise<Service> {
    return waitFor(
      async () => {
        const service = (await this.api.call('GET', `${SERVICES}/${name}`)).body as Service
        const { status: now, reason } = service.status
        if (now !== status && (now === 'success' || now === 'failed'))
          throw new FinalError(`Service ${name} is ${now}: ${reason}`)
        return now === status ? service : null
      },
      { deadlineSeconds: DEPLOY_SECONDS, what: `service ${name} to be ${status}`, intervalMs: 250 },
    )
  }
}
