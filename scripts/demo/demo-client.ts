import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorBody } from '@berth/contract/api-error'
import { PAGE_LIMIT } from '@berth/contract/list-query'
import { HUB_API_VERSION } from '@berth/contract/project'
import type { DemoPlace } from './demo-place.ts'

export const PROJECT_LIST = `/apis/${HUB_API_VERSION}/projects`

interface Page<Item> {
  readonly metadata: { readonly count: number }
  readonly items: readonly Item[]
}

/** Pages of one list, at most: more than any demo has, and an end for a list that never ends. */
const MAX_PAGES = 1_000

/** The demo's way of speaking HTTP: nothing that curl could not do. */
export class DemoClient {
  readonly #place: DemoPlace
  readonly #interruption: AbortSignal

  /** @param interruption ends every request at once */
  constructor(place: DemoPlace, interruption: AbortSignal) {
    this.#place = place
    this.#interruption = interruption
  }

  /**
   * @param path such as `/apis/paas.envmgmt.io/v1/projects/defaultproject/workspaces`
   * @returns the answer's body; null when there is no such object
   * @throws Error with the server's own words for any other error
   */
  async call<Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Body | null> {
    const response = await fetch(`${this.#place.url}${path}`, {
      method,
      headers: { 'x-api-key': this.#key(), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: this.#bound(30),
    })
    if (response.status === 404) return null
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error((answer as ErrorBody).message)
    return answer as Body
  }

  /** Every item of a list, page after page; none when there is no such list. */
  async all<Item>(path: string): Promise<Item[]> {
    const items: Item[] = []
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = `limit=${PAGE_LIMIT}&offset=${items.length}&orderBy=name&order=ASC`
      const answer = await this.call<Page<Item>>('GET', `${path}?${query}`)
      items.push(...(answer?.items ?? []))
      if (!answer || answer.items.length === 0 || items.length >= answer.metadata.count) break
    }
    return items
  }

  /** Whether the server that answers is ready and the demo's own: another one does not know its key. */
  async isServed(): Promise<boolean> {
    try {
      const ready = await fetch(`${this.#place.url}/readyz`, { signal: this.#bound(5) })
      return ready.ok && (await this.call('GET', PROJECT_LIST)) !== null
    } catch {
      return false
    }
  }

  #bound(seconds: number): AbortSignal {
    return AbortSignal.any([this.#interruption, AbortSignal.timeout(seconds * 1_000)])
  }

  #key(): string {
    return readFileSync(join(this.#place.state, 'admin.key'), 'utf8').trim()
  }
}
