import { inspectProcess, listGuestProcesses, type GuestProcess, type ProcessOwner } from './guest-process.ts'

/** Finds machines' processes; where one was last time is only a hint that spares reading all of /proc. */
export class ProcessFinder {
  readonly #owner: ProcessOwner
  readonly #seen = new Map<string, number>()

  constructor(owner: ProcessOwner) {
    this.#owner = owner
  }

  /** The process of machine `id`; undefined when it has none. */
  async find(id: string): Promise<GuestProcess | undefined> {
    const pid = this.#seen.get(id)
    const hinted = pid === undefined ? undefined : await inspectProcess(pid, this.#owner)
    if (hinted?.machineId === id) return hinted
    this.#seen.delete(id)
    const found = (await listGuestProcesses(this.#owner)).find((process) => process.machineId === id)
    if (found !== undefined) this.#seen.set(id, found.pid)
    return found
  }
}
