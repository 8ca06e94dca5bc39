import { beginDeployment } from '../../api/begin-deployment.ts'
import { AT_ONCE } from '../../store/clock.ts'
import { updateInstance } from '../../store/compute-instances.ts'
import { pathOf, type LocatedInstance } from '../../store/located-instances.ts'
import { recordAudit, recordEvent, subjectOf } from '../../store/records.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import type { Tx } from '../../store/store.ts'
import { wake } from '../../store/work-items.ts'
import { CommandError } from '../command-error.ts'
import type { Config } from '../config.ts'
import { findOne, withDatabase, type InstanceFlags } from './installation.ts'
import { operator } from './operator.ts'

/**
 * `berth instance retry NAME`: what waits, is late, or failed is tried again at once; of a failed deployment
 * that is what a publish of the same settings would do.
 * @throws CommandError when there is nothing to try again
 */
export async function retryInstanceCommand(
  config: Config,
  named: string,
  flags: InstanceFlags,
): Promise<void> {
  await withDatabase(config, async (store) => {
    const { found, what } = await store.transaction(
      async (tx) => await retry(tx, named, flags, store.clock.now()),
    )
    process.stdout.write(
      `${pathOf(found)}: ${what}. It is due now: a server that runs begins within 5 seconds, another when it starts.\n`,
    )
  })
}

async function retry(
  tx: Tx,
  named: string,
  flags: InstanceFlags,
  now: number,
): Promise<{ found: LocatedInstance; what: string }> {
  const found = await findOne(tx, { named, ...flags })
  const what = await tryAgain(tx, found)
  await wake(tx, found.row.kind, found.row.id, AT_ONCE)
  const subject = subjectOf(found.row)
  await recordAudit(tx, now, operator(), 'retry', subject)
  await recordEvent(tx, now, subject, 'retried', `The operator has it tried again: ${what}.`)
  return { found, what }
}

/** @returns what begins now, as the end of a sentence */
async function tryAgain(tx: Tx, located: LocatedInstance): Promise<string> {
  const { row } = located
  if (row.delete_requested_at !== null) return 'its deletion is tried again'
  if (row.status === 'failed') {
    await updateInstance(tx, row.id, beginDeployment(row, AT_ONCE))
    return 'its deployment begins again'
  }
  if (row.status === 'submitted' || row.status === 'pending') {
    // Past its deadline it would fail at once.
    await updateInstance(tx, row.id, { phase_started_at: AT_ONCE })
    return 'what it waits for is tried again, with all of its time'
  }
  if (row.phase === 'run') return 'its guest is looked at again'
  throw new CommandError(`${pathOf(located)} waits for nothing: ${whatItIs(row)}`)
}

function whatItIs(row: ComputeInstanceRow): string {
  return row.deploy_generation === null
    ? 'it was never published. Publish it to deploy it.'
    : 'it is stopped. Use the action start to start it.'
}
