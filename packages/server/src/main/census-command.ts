import type { CensusEntry } from '@berth/contract/host/census'
import { readInstallationId } from '../store/installation.ts'
import { locatedInstances, pathOf } from '../store/located-instances.ts'
import { Store, type Queryable } from '../store/store.ts'
import type { Config } from './config.ts'
import { createHost } from './host.ts'
import { createLogger } from './logger.ts'
import { databaseIn } from './state-directory.ts'
import { table } from './text-table.ts'

/** An entry with what its owner is called; without a name when nobody in the database owns it. */
interface NamedEntry extends CensusEntry {
  /** `project/workspace/name` of an instance, or the name of the project whose network it is. */
  readonly ownerName?: string
}

/** `berth census`: everything on this host that belongs to the installation, whether its server runs or not. */
export async function censusCommand(config: Config, json: boolean): Promise<void> {
  const entries = await takeCensus(config)
  if (json) {
    process.stdout.write(`${JSON.stringify(entries)}\n`)
  } else if (entries.length === 0) {
    process.stdout.write('Nothing on this host belongs to this installation.\n')
  } else {
    const rows = entries.map(({ kind, name, owner, ownerName }) => [
      kind,
      name,
      ownerName ?? (owner === undefined ? 'all' : 'nobody'),
      owner ?? '',
    ])
    const paintOf = (cell: string, column?: string) =>
      column === 'OF' && cell === 'nobody' ? 'yellow' : undefined
    process.stdout.write(table(['KIND', 'NAME', 'OF', 'OWNER ID'], rows, paintOf))
  }
}

async function takeCensus(config: Config): Promise<NamedEntry[]> {
  const store = await Store.openExisting(databaseIn(config.state))
  try {
    const installId = await readInstallationId(store.db)
    if (installId === undefined) return []
    const host = createHost(config, installId, createLogger('silent'))
    const entries = [...(await host.driver.census()), ...(await host.network.census())]
    const names = await ownerNames(store.db)
    return entries.map((entry) => {
      const ownerName = names.get(entry.owner ?? '')
      return ownerName === undefined ? entry : { ...entry, ownerName }
    })
  } finally {
    await store.close()
  }
}

/** What the owners of a census are called, by an instance's id or a project network's key. */
async function ownerNames(db: Queryable): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const instance of await locatedInstances(db, {})) {
    names.set(instance.row.id, pathOf(instance))
    names.set(instance.project.network_key, instance.project.name)
  }
  return names
}
