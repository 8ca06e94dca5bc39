/** Runs tasks of one key one after another, in the order they came; tasks of different keys do not wait. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Answers what the task answers. A failed task does not stop those behind it. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const result = before.then(task, task)
    const tail = result
      .catch(() => {})
      .finally(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key)
      })
    this.#tails.set(key, tail)
    return result
  }
}
