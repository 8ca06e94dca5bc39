import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import type { ErrorBody } from '@berth/contract/api-error'
import type { DemoPlace } from './demo-place.ts'

/** The demo's way of speaking HTTP: nothing that curl could not do. */
export class DemoClient {
  readonly #place: DemoPlace

  constructor(place: DemoPlace) {
    this.#place = place
  }

  /**
   * @param path below the default project, such as `workspaces`, or from the root, with a slash before it
   * @returns the answer's body; null when there is no such object
   * @throws Error with the server's own words for any other error
   */
  async call<Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Body | null> {
    const full = path.startsWith('/') ? path : `${PROJECTS_PATH}/defaultproject/${path}`
    const response = await fetch(this.#place.url + full, {
      method,
      headers: { 'x-api-key': this.#key(), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    if (response.status === 404) return null
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error((answer as ErrorBody).message)
    return answer as Body
  }

  /** Whether the server is there and ready. */
  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#place.url}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok
    } catch {
      return false
    }
  }

  #key(): string {
    return readFileSync(join(this.#place.state, 'admin.key'), 'utf8').trim()
  }
}
