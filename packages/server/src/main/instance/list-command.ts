import { formatTimestamp } from '@berth/contract/timestamp'
import { AT_ONCE } from '../../store/clock.ts'
import { locatedInstances, type LocatedInstance } from '../../store/located-instances.ts'
import { lateItems } from '../../store/work-items.ts'
import type { Config } from '../config.ts'
import { statusPaint } from '../paint.ts'
import { table } from '../text-table.ts'
import { withDatabase, type InstanceFlags } from './installation.ts'

/** Statuses that nothing but a person gets an instance out of. */
const GIVEN_UP = ['failed', 'destroyfailed']

/** `berth instance list [--stuck] [--json]`: every instance with its status and reason, whoever's it is. */
export async function listInstancesCommand(
  config: Config,
  flags: InstanceFlags,
  { stuckOnly, json }: { readonly stuckOnly: boolean; readonly json: boolean },
): Promise<void> {
  await withDatabase(config, async (store) => {
    const late = new Set((await lateItems(store.db)).map((item) => item.object_id))
    const isStuck = ({ row }: LocatedInstance) => late.has(row.id) || GIVEN_UP.includes(row.status)
    const found = (await locatedInstances(store.db, flags)).filter((it) => !stuckOnly || isStuck(it))
    if (json) {
      process.stdout.write(`${JSON.stringify(found.map((it) => asObject(it, late)))}\n`)
      return
    }
    if (found.length === 0) {
      process.stdout.write(stuckOnly ? 'Nothing is stuck.\n' : 'There are no instances.\n')
      return
    }
    const rows = found.map(({ row, project, workspaceName }) => [
      row.name,
      row.kind,
      project.name,
      workspaceName,
      late.has(row.id) ? `${row.status}, late` : row.status,
      row.power_state,
      sinceText(row.phase_started_at),
      row.id,
      row.reason,
    ])
    process.stdout.write(
      table(
        ['NAME', 'KIND', 'PROJECT', 'WORKSPACE', 'STATUS', 'POWER', 'SINCE', 'ID', 'REASON'],
        rows,
        (cell, column) => (column === 'STATUS' ? statusPaint(cell) : undefined),
      ),
    )
  })
}

/** An instance for programs; `since` is when its present phase began, null before its first step. */
function asObject({ row, project, workspaceName }: LocatedInstance, late: ReadonlySet<string>) {
  return {
    id: row.id,
    kind: row.kind,
    project: project.name,
    workspace: workspaceName,
    name: row.name,
    status: row.status,
    late: late.has(row.id),
    powerState: row.power_state,
    since: row.phase_started_at === AT_ONCE ? null : formatTimestamp(row.phase_started_at),
    reason: row.reason,
  }
}

function sinceText(at: number): string {
  return at === AT_ONCE ? '-' : formatTimestamp(at).slice(0, 19).replace('T', ' ')
}
