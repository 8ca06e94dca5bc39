import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import { checkAnswer } from './answer-check.ts'
import { waitFor } from './wait-for.ts'

/** An answer as a test looks at it. */
export interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests reach into answers of every shape
  readonly body: any
  readonly headers: Headers
}

/** Speaks to a server as the clients of the wire contract do, and holds every answer to the OpenAPI document. */
export class ApiClient {
  readonly url: string
  readonly key: string

  constructor(url: string, key: string) {
    this.url = url
    this.key = key
  }

  /**
   * @param path from the project on, such as `workspaces/default/computeinstances`
   * @throws Error when the OpenAPI document has no such answer
   */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const project = path.startsWith('/') ? path : `${PROJECTS_PATH}/defaultproject/${path}`
    const response = await fetch(`${this.url}${project}`, {
      method,
      headers: { 'x-api-key': this.key, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const { status, headers: answered } = response
    const parsed = text === '' ? null : JSON.parse(text)
    const contentType = answered.get('content-type')
    checkAnswer({ method, path: project, status, contentType, body: parsed })
    return { status, body: parsed, headers: answered }
  }

  async instance(name: string, workspace = 'default'): Promise<ComputeInstance> {
    const { body } = await this.call('GET', `workspaces/${workspace}/computeinstances/${name}`)
    return body as ComputeInstance
  }

  async service(name: string): Promise<Service> {
    return (await this.call('GET', `${SERVICES}/${name}`)).body as Service
  }

  async waitForService(name: string, status: string, deadlineSeconds = 10): Promise<Service> {
    return waitFor(
      async () => {
        const seen = await this.service(name)
        return seen.status?.status === status ? seen : null
      },
      { deadlineSeconds, what: `service ${name} to be ${status}` },
    )
  }

  /** Waits for a terminal status, and expects the wanted one. */
  async waitForStatus(name: string, status: string, deadlineSeconds = 10): Promise<ComputeInstance> {
    return waitFor(
      async () => {
        const seen = await this.instance(name)
        return seen.status?.status === status ? seen : null
      },
      { deadlineSeconds, what: `instance ${name} to be ${status}` },
    )
  }

  async waitUntilGone(name: string, deadlineSeconds = 10): Promise<void> {
    await waitFor(
      async () => (await this.call('GET', `workspaces/default/computeinstances/${name}`)).status === 404,
      {
        deadlineSeconds,
        what: `instance ${name} to be gone`,
      },
    )
  }
}

interface Variable {
  readonly name: string
  readonly value?: string
}

/** An apply body as the guide prints it. */
export function instanceBody(name: string, variables: readonly Variable[] = [], profile = 'no-gpu-vm') {
  return {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name, workspace: 'default', project: 'defaultproject' },
    spec: { computeProfile: { name: profile, systemCatalog: true }, variables },
  }
}

export const INSTANCES = 'workspaces/default/computeinstances'

/** An apply body of a service as the guide prints it. */
export function serviceBody(name: string, variables: readonly Variable[] = [], profile = 'vmaas-notebook') {
  return {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Service',
    metadata: { name, workspace: 'default', project: 'defaultproject' },
    spec: { serviceProfile: { name: profile, systemCatalog: true }, variables },
  }
}

export const SERVICES = 'workspaces/default/services'
