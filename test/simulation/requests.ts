import { setImmediate as tick } from 'node:timers/promises'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import type { Service } from '@berth/contract/service'
import { afterRequest, type Accepted, type Request } from './accepted.ts'
import { commitAs, type Author } from './commits.ts'
import type { Gates } from './gates.ts'
import type { Installation } from './installation.ts'
import type { Life } from './life.ts'
import { bodyOf, collectionOf, type Name } from './objects.ts'

type Asked = Request | { readonly kind: 'delete' }

interface Sent {
  readonly method: 'POST' | 'DELETE'
  readonly url: string
  readonly body?: object
  /** What of the name is asked for, in this order. */
  readonly asked: readonly [Asked, ...Asked[]]
}

interface Unanswered {
  /** In which it was sent. */
  readonly life: Life
  readonly name: Name
  readonly sent: Sent
}

/**
 * The requests of clients, each of which waits before and after its commit: until then it has changed nothing, and
 * from then on it counts, whether or not its server lives to answer it.
 */
export class Requests {
  /** What was asked for last of each name; null: that it goes. */
  readonly accepted = new Map<Name, Accepted | null>()
  readonly #installation: Installation
  readonly #gates: Gates
  readonly #note: (text: string) => void
  readonly #unanswered = new Set<Unanswered>()
  /** How many are not at a named point: on their way to one, or to their answer. */
  #moving = 0
  #broken: Error | undefined

  constructor(installation: Installation, gates: Gates, note: (text: string) => void) {
    this.#installation = installation
    this.#gates = gates
    this.#note = note
  }

  apply(life: Life, name: Name, size: number, publishes: boolean): void {
    const url = collectionOf(name) + (publishes ? '?auto-publish=true' : '')
    const published: readonly Asked[] = publishes ? [{ kind: 'publish' }] : []
    const asked: Sent['asked'] = [{ kind: 'apply', size }, ...published]
    this.#send(life, name, { method: 'POST', url, body: bodyOf(name, size), asked })
  }

  ask(life: Life, name: Name, kind: 'publish' | 'start' | 'stop' | 'reboot'): void {
    const url = `${collectionOf(name)}/${name}${kind === 'publish' ? '/publish' : `/action/${kind}`}`
    this.#send(life, name, { method: 'POST', url, asked: [{ kind }] })
  }

  delete(life: Life, name: Name): void {
    this.#send(life, name, {
      method: 'DELETE',
      url: `${collectionOf(name)}/${name}`,
      asked: [{ kind: 'delete' }],
    })
  }

  async read(name: Name): Promise<ComputeInstance | Service | null> {
    const { status, body } = await this.#installation.call('GET', `${collectionOf(name)}/${name}`)
    return status === 404 ? null : (body as ComputeInstance)
  }

  /**
   * Some clients ask again that got no answer, as they cannot know whether their request counts.
   * @param doesAsk decides for each
   */
  askAgain(died: Life, next: Life, doesAsk: () => boolean): void {
    const unanswered = [...this.#unanswered].filter((request) => request.life === died)
    for (const request of unanswered) {
      this.#unanswered.delete(request)
      if (doesAsk()) this.#send(next, request.name, request.sent)
    }
  }

  /**
   * Until each was answered, or waits at a named point.
   * @throws Error of one that was answered in a way that breaks a promise
   */
  async comeToRest(): Promise<void> {
    while (this.#moving > 0) await tick()
    if (this.#broken !== undefined) throw this.#broken
  }

  #send(life: Life, name: Name, sent: Sent): void {
    const request = { life, name, sent, isCommitted: false }
    const author: Author = {
      name: `commit of ${sent.asked[0].kind}`,
      around: async (point, transaction) => {
        await this.#pass(life, `${point}:before`)
        const result = await transaction()
        request.isCommitted = true
        for (const asked of sent.asked) this.#accept(name, asked)
        await this.#pass(life, `${point}:after`)
        return result
      },
    }
    this.#unanswered.add(request)
    this.#moving++
    void commitAs(author, async () => this.#installation.call(sent.method, sent.url, sent.body))
      .then(({ status, body }) => {
        if (life.isOver) return
        this.#note(`${sent.method} ${sent.url} → ${status}`)
        if (status >= 500) throw new Error(`A request was answered ${status}: ${JSON.stringify(body)}`)
        if (status < 300 && !request.isCommitted)
          throw new Error(`A request was answered ${status} before it was committed.`)
      })
      .catch((error: unknown) => {
        this.#broken ??= error instanceof Error ? error : new Error('A request was not answered.')
      })
      .finally(() => {
        this.#moving--
        this.#unanswered.delete(request)
      })
  }

  #accept(name: Name, asked: Asked): void {
    const before = this.accepted.get(name) ?? null
    this.accepted.set(name, asked.kind === 'delete' ? null : afterRequest(before, asked))
  }

  async #pass(life: Life, point: string): Promise<void> {
    this.#moving--
    await this.#gates.pass(point)
    this.#moving++
    if (life.isOver) throw new Error('The server that was asked is dead.')
  }
}
