import { AsyncLocalStorage } from 'node:async_hooks'
import type { Store, Tx } from '../../packages/server/src/store/store.ts'

/** A request or a step, as far as it commits. */
export interface Author {
  /** The name of its next commit. */
  name: string
  /** Runs a transaction, with whatever is to happen right before and after it. */
  readonly around: <T>(name: string, transaction: () => Promise<T>) => Promise<T>
}

const authors = new AsyncLocalStorage<Author>()

/** Has every transaction of the store run by the author that asks for it, if it has one. */
export function tellAuthors(store: Store): void {
  const run = store.transaction.bind(store)
  store.transaction = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const author = authors.getStore()
    return author ? author.around(author.name, async () => run(work)) : run(work)
  }
}

/** Does something whose transactions are the author's. */
export function commitAs<T>(author: Author, work: () => T): T {
  return authors.run(author, work)
}

/** Names what the current author commits next. */
export function nameCommit(name: string): void {
  const author = authors.getStore()
  if (author) author.name = name
}
