import { HostError } from '@berth/contract/host/host-error'
import { deleteInstance } from '../../store/compute-instances.ts'
import { externalPortsOf, releaseExternalPort } from '../../store/external-ports.ts'
import { othersOnNetwork, releaseAddress } from '../../store/guest-addresses.ts'
import { pathOf, type LocatedInstance } from '../../store/located-instances.ts'
import { releasePublicAddress } from '../../store/public-addresses.ts'
import { recordAudit, recordEvent, subjectOf } from '../../store/records.ts'
import type { Store, Tx } from '../../store/store.ts'
import { forgetObject } from '../../store/work-items.ts'
import { CommandError } from '../command-error.ts'
import type { Config } from '../config.ts'
import { createHost } from '../host.ts'
import { createLogger } from '../logger.ts'
import { table } from '../text-table.ts'
import { findOne, withDatabase, type InstanceFlags } from './installation.ts'
import { leftoversOf, type Leftover } from './leftovers.ts'
import { operator } from './operator.ts'

/** How many leftovers the records name one by one. */
const NAMED = 20

/**
 * `berth instance abandon NAME`: gives up on an instance that cannot be deleted. Its rows go, and with them
 * its addresses and ports; what it has on the host stays, and is named for the operator to remove.
 * @throws CommandError when its deletion was not asked for
 */
export async function abandonInstanceCommand(
  config: Config,
  named: string,
  flags: InstanceFlags,
): Promise<void> {
  await withDatabase(config, async (store, installId) => {
    const found = await findOne(store.db, { named, ...flags })
    requireDeletion(found)
    const host = createHost(config, installId, createLogger('silent'))
    const left = await lookAt(store, found, (key) => leftoversOf(host, found.row.id, key))
    await store.transaction(async (tx) => {
      // A server may have removed it by now.
      requireDeletion(await findOne(tx, { named: found.row.id }))
      await giveUp(tx, found, store.clock.now(), sentenceOf(left))
    })
    report(found, left)
  })
}

function requireDeletion(found: LocatedInstance): void {
  if (found.row.delete_requested_at !== null) return
  throw new CommandError(
    `${pathOf(found)} is ${found.row.status}, and nobody asked for it to be deleted. ` +
      'DELETE it first; abandon is for one that cannot be deleted.',
  )
}

/** What is left, or why that cannot be told: a host that is out of order must not keep the row alive. */
async function lookAt(
  { db }: Store,
  { row, project }: LocatedInstance,
  look: (networkKey: string | null) => Promise<Leftover[]>,
): Promise<readonly Leftover[] | HostError> {
  const isLast = (await othersOnNetwork(db, project.id, row.id)) === 0
  try {
    return await look(isLast ? project.network_key : null)
  } catch (error) {
    if (error instanceof HostError) return error
    throw error
  }
}

async function giveUp(tx: Tx, { row }: LocatedInstance, now: number, left: string): Promise<void> {
  await releasePublicAddress(tx, row.id)
  for (const port of await externalPortsOf(tx, row.id)) await releaseExternalPort(tx, port)
  await releaseAddress(tx, row.id)
  await deleteInstance(tx, row.id)
  // Whatever step runs has lost its lease with this, and writes nothing.
  await forgetObject(tx, row.kind, row.id)
  const subject = subjectOf(row)
  await recordAudit(tx, now, operator(), 'abandon', subject, left)
  await recordEvent(tx, now, subject, 'abandoned', `The operator gave it up. ${left}`)
}

function sentenceOf(left: readonly Leftover[] | HostError): string {
  if (left instanceof HostError) return `What it has on the host could not be told: ${left.message}`
  if (left.length === 0) return 'Nothing of it is left on the host.'
  const names = left.slice(0, NAMED).map(({ entry }) => `${entry.kind} ${entry.name}`)
  if (left.length > NAMED) names.push(`${left.length - NAMED} more`)
  return `Left on the host: ${names.join(', ')}.`
}

function report(found: LocatedInstance, left: readonly Leftover[] | HostError): void {
  process.stdout.write(`${pathOf(found)} (${found.row.id}) is given up; the API does not show it any more.\n`)
  if (left instanceof HostError || left.length === 0) {
    process.stdout.write(`${sentenceOf(left)}\n`)
    return
  }
  const rows = left.map(({ entry, removal }) => [entry.kind, entry.name, removal])
  process.stdout.write(`Left on the host, to be removed by hand:\n${table(['KIND', 'NAME', 'REMOVE'], rows)}`)
}
