import type { CensusEntry } from '@berth/contract/host/census'
import { readInstallationId } from '../store/installation.ts'
import { Store } from '../store/store.ts'
import type { Config } from './config.ts'
import { createHost } from './host.ts'
import { createLogger } from './logger.ts'
import { databaseIn } from './state-directory.ts'
import { table } from './text-table.ts'

/** `berth census`: everything on this host that belongs to the installation, whether its server runs or not. */
export async function censusCommand(config: Config, json: boolean): Promise<void> {
  const entries = await takeCensus(config)
  if (json) {
    process.stdout.write(`${JSON.stringify(entries)}\n`)
  } else if (entries.length === 0) {
    process.stdout.write('Nothing on this host belongs to this installation.\n')
  } else {
    const rows = entries.map((entry) => [entry.kind, entry.name, entry.owner ?? ''])
    process.stdout.write(table(['KIND', 'NAME', 'OWNER'], rows))
  }
}

async function takeCensus(config: Config): Promise<CensusEntry[]> {
  const store = await Store.openExisting(databaseIn(config.state))
  try {
    const installId = await readInstallationId(store.db)
    if (installId === undefined) return []
    const host = createHost(config, installId, createLogger('silent'))
    return [...(await host.driver.census()), ...(await host.network.census())]
  } finally {
    await store.close()
  }
}
