import type { KeyedMutex } from '../../host/keyed-mutex.ts'
import type { MachineObservation } from '../machine-driver.ts'
import { pathExists, type MachineFiles } from './machine-files.ts'
import type { MachineMonitor } from './machine-monitor.ts'
import { readGuestReport } from './readiness-port.ts'

/** Milliseconds that a guest has to report. */
const reportTimeoutMs = 3000

export interface MachineObserver {
  readonly monitor: MachineMonitor
  /** One reader of a machine's readiness port at a time. */
  readonly reports: KeyedMutex
  readonly hasProcess: () => Promise<boolean>
}

/** What a machine is like, as MachineDriver.observe tells it. */
export async function observeMachine(
  id: string,
  files: MachineFiles,
  { monitor, reports, hasProcess }: MachineObserver,
): Promise<MachineObservation> {
  if (!(await hasProcess())) return { exists: await pathExists(files.directory), power: 'stopped' }
  const { state, problem } = await monitor.inspect(id, files)
  const observation = { exists: true, ...(problem === undefined ? {} : { problem }) }
  if (state === 'dead') return { ...observation, power: 'stopped' }
  const report = await reports.run(
    id,
    async () => await monitor.inspectWhile(id, files, readGuestReport(files.ready, reportTimeoutMs)),
  )
  if (report !== undefined) return { ...observation, power: 'running', report }
  // The guest may have ended while it was waited for.
  if (!(await hasProcess())) return { exists: true, power: 'stopped' }
  const end = state === 'running' ? await monitor.endOf(id, files) : undefined
  return end === undefined
    ? { ...observation, power: 'running' }
    : { exists: true, power: 'stopped', problem: end }
}
