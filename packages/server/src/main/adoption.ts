/**
 * Keeps count of the instances that the server must look after once before it is ready: after that every
 * running guest is known and its way in is open.
 */
export class Adoption {
  readonly #waiting: Set<string>

  constructor(ids: readonly string[]) {
    this.#waiting = new Set(ids)
  }

  /** One step of the instance has ended, well or not: its state is known. */
  stepped(id: string): void {
    this.#waiting.delete(id)
  }

  /** Why the server is not ready; null when it is. */
  notReady(): string | null {
    const count = this.#waiting.size
    return count === 0
      ? null
      : `${count} ${count === 1 ? 'instance is' : 'instances are'} still being looked after.`
  }
}
