import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is remembered of a simulated machine. */
export interface SimulatedMachine {
  readonly hostname: string
  /** Null while it is off. */
  readonly bootId: string | null
  /** When its guest is up; milliseconds since 1970. */
  readonly bootsAt: number
  /** When a shutdown that was asked for is complete; null when none was. */
  readonly stopsAt: number | null
  /** What was noted when it was switched on; absent until it was. */
  readonly note?: string
}

/** The simulated machines, a file each, so that they outlive the server as real ones do. */
export class SimulatedMachines {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  read(id: string): SimulatedMachine | null {
    try {
      return JSON.parse(readFileSync(this.#path(id), 'utf8')) as SimulatedMachine
    } catch {
      return null
    }
  }

  write(id: string, machine: SimulatedMachine): void {
    const temporary = `${this.#path(id)}.tmp`
    writeFileSync(temporary, JSON.stringify(machine))
    renameSync(temporary, this.#path(id))
  }

  remove(id: string): void {
    rmSync(this.#path(id), { force: true })
  }

  /** Ids and files of all. */
  list(): { id: string; path: string }[] {
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ id: name.slice(0, -'.json'.length), path: join(this.#directory, name) }))
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}
