import { setTimeout as pause } from 'node:timers/promises'
import { HostError } from '@berth/contract/host/host-error'
import { drainConsole, readConsoleTail } from './console-log.ts'
import { endsInPanic, HALTED, isHalted, panicOf } from './guest-end.ts'
import { KeyedMutex } from '../../host/keyed-mutex.ts'
import { trimQemuLog } from './launch-guest.ts'
import type { MachineFiles } from './machine-files.ts'
import { QmpClient } from './qmp-client.ts'

/** What QEMU says of a machine whose process lives. */
export interface RunState {
  /** `paused`: can go on. `dead`: the guest ended, or can never go on. `unknown`: QEMU does not answer. */
  readonly state: 'running' | 'paused' | 'dead' | 'unknown'
  /** One sentence for a person, unless it runs. */
  readonly problem?: string
}

/** Milliseconds between two inspections while something is awaited. */
const inspectPauseMs = 500

/** Talks to machines' QMP sockets, one short conversation at a time for each machine. */
export class MachineMonitor {
  readonly #turns = new KeyedMutex()

  /**
   * Connects to the machine, checks that it is the one, and runs `talk`. Throws a HostError when QEMU does
   * not answer or another machine does.
   */
  async converse<T>(id: string, files: MachineFiles, talk: (qmp: QmpClient) => Promise<T>): Promise<T> {
    return await this.#turns.run(id, async () => {
      const qmp = await connectTwice(files.qmp)
      try {
        const identity = (await qmp.execute('query-uuid', undefined, 1000)) as { UUID?: unknown } | null
        if (identity?.UUID !== id) throw new HostError(`Another machine answers at ${files.qmp}.`)
        return await talk(qmp)
      } finally {
        qmp.close()
      }
    })
  }

  /** Inspects now and then while `awaited` is: a guest that ends takes along what was not taken of its console. */
  async inspectWhile<T>(id: string, files: MachineFiles, awaited: Promise<T>): Promise<T> {
    const isOver = awaited.then(() => true)
    while (!(await Promise.race([isOver, pause(inspectPauseMs, false)]))) await this.inspect(id, files)
    return await awaited
  }

  /**
   * Whether a program in the guest has the virtio-serial port of that chardev open (qemu-qmp-ref, query-chardev); taken
   * for true where QEMU does not answer.
   */
  async isPortOpen(id: string, files: MachineFiles, chardev: string): Promise<boolean> {
    const list = await this.converse(
      id,
      files,
      async (qmp) => await qmp.execute('query-chardev', undefined, 1000),
    ).catch(() => undefined)
    const found = (list as readonly Record<string, unknown>[] | undefined)?.find(
      ({ label }) => label === chardev,
    )
    return found?.['frontend-open'] !== false
  }

  /** Asks for the run state, and takes the console's output while at it. */
  async inspect(id: string, files: MachineFiles): Promise<RunState> {
    try {
      return await this.converse(id, files, async (qmp) => {
        const status = (await qmp.execute('query-status', undefined, 1000)) as { status?: unknown } | null
        await drainConsole(qmp, files)
        await trimQemuLog(files)
        if (status?.status === 'guest-panicked')
          return { state: 'dead', problem: panicOf(await readConsoleTail(files)) }
        const found = runState(String(status?.status))
        return found.state === 'running' && (await diskIsCorrupt(qmp))
          ? { ...found, problem: CORRUPT }
          : found
      })
    } catch (error) {
      return { state: 'unknown', problem: `QEMU does not answer: ${(error as Error).message}` }
    }
  }

  /**
   * Why a guest that says nothing has ended although QEMU goes on running it: one sentence for a person. Undefined
   * where nothing proves it. A kernel that panicked waits for good where nobody told it to restart, and tells QEMU
   * only where it has a driver for that.
   */
  async endOf(id: string, files: MachineFiles): Promise<string | undefined> {
    const said = await readConsoleTail(files)
    if (endsInPanic(said)) return panicOf(said)
    // Twice, as a guest that starts its other CPUs, or restarts, halts them for a moment.
    for (const wait of [0, inspectPauseMs]) {
      await pause(wait)
      if (!(await this.#isHalted(id, files))) return undefined
    }
    return HALTED
  }

  /** Whether every CPU is; the first one that is not answers it. */
  async #isHalted(id: string, files: MachineFiles): Promise<boolean> {
    const looked = this.converse(id, files, async (qmp) => {
      const cpus = (await qmp.execute('query-cpus-fast')) as readonly { readonly 'cpu-index': number }[]
      for (const { 'cpu-index': index } of cpus) {
        const command = { 'command-line': 'info registers', 'cpu-index': index }
        if (!isHalted(String(await qmp.execute('human-monitor-command', command)))) return false
      }
      return cpus.length > 0
    })
    return await looked.catch(() => false)
  }
}

const CORRUPT =
  'The disk of the guest is damaged: QEMU has marked it as corrupt, and the guest reads errors. ' +
  'Stop the guest and try qemu-img check -r all on its disk, or delete the instance.'

/** Whether QEMU found the machine's disk inconsistent while the guest used it (qemu-qmp-ref, query-block). */
async function diskIsCorrupt(qmp: QmpClient): Promise<boolean> {
  const devices = await qmp.execute('query-block', undefined, 1000)
  return JSON.stringify(devices).includes('"corrupt":true')
}

/** What QEMU's RunState (docs/interop/qemu-qmp-ref) means for a machine that should run. */
function runState(status: string): RunState {
  switch (status) {
    case 'running':
      return { state: 'running' }
    case 'io-error':
      return {
        state: 'paused',
        problem:
          'The guest is paused: its disk could not be written. Free some space on the host; it then goes on.',
      }
    case 'paused':
    case 'suspended':
    case 'prelaunch':
    case 'postmigrate':
      return { state: 'paused', problem: `The guest is paused (${status}).` }
    case 'internal-error':
    case 'shutdown':
      return { state: 'dead', problem: `The guest ended abnormally (${status}).` }
    default:
      return { state: 'unknown', problem: 'QEMU is in an unknown state.' }
  }
}

async function connectTwice(path: string): Promise<QmpClient> {
  try {
    return await QmpClient.connect(path, { timeoutMs: 1000 })
  } catch {
    // QEMU serves one client at a time: the one before us may just be leaving.
    return await QmpClient.connect(path, { timeoutMs: 1000 })
  }
}
