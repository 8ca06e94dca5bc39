import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from '../../host/error-code.ts'
import { hostFailure } from '../../host/host-failure.ts'

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

  /**
   * The machine `id`; null when there is none.
   * @throws HostError when that cannot be told: a machine is never gone because its file could not be read
   */
  read(id: string): SimulatedMachine | null {
    const text = explained(() => this.#textOf(id))
    if (text === null) return null
    try {
      return JSON.parse(text) as SimulatedMachine
    } catch (error) {
      const message = `${this.#path(id)} does not describe a simulated machine. Remove the file, and the machine is gone.`
      throw new HostError(message, { cause: error })
    }
  }

  write(id: string, machine: SimulatedMachine): void {
    const temporary = `${this.#path(id)}.tmp`
    explained(() => {
      writeFileSync(temporary, JSON.stringify(machine))
      renameSync(temporary, this.#path(id))
    })
  }

  remove(id: string): void {
    explained(() => rmSync(this.#path(id), { force: true }))
  }

  /** Ids and files of all. */
  list(): { id: string; path: string }[] {
    return explained(() => readdirSync(this.#directory))
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ id: name.slice(0, -'.json'.length), path: join(this.#directory, name) }))
  }

  #textOf(id: string): string | null {
    try {
      return readFileSync(this.#path(id), 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}

/** Runs `work`; a failed call of the operating system becomes a HostError. */
function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw hostFailure(error)
  }
}
