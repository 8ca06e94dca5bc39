import { machineFacts } from '../../store/machine-facts.ts'
import { sizeWaiting } from '../machine-size.ts'
import { lastSizeOf, neverFits } from '../never-fits.ts'
import type { DeployPhase } from './phase.ts'

/** Notes whether a running machine could start with its new size, before somebody takes it down for that. */
export const fitPhase: DeployPhase = {
  name: 'fit',
  label: 'Check size',
  deadlineSeconds: 60,
  appliesTo: ({ row, settings }) =>
    sizeWaiting(row, settings) !== '' || machineFacts(row)?.neverFits !== undefined,
  async run(host, { row, settings }) {
    const { neverFits: _, ...facts } = machineFacts(row) ?? {}
    const never = neverFits(await host.driver.capacity(), settings, lastSizeOf(row))
    return {
      done: {
        machine_facts: JSON.stringify({ ...facts, ...(never === undefined ? {} : { neverFits: never }) }),
      },
    }
  },
}
