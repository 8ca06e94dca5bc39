import { readInstallationId } from '../../store/installation.ts'
import {
  locatedInstances,
  pathOf,
  type InstanceSearch,
  type LocatedInstance,
} from '../../store/located-instances.ts'
import { checkSchema } from '../../store/migrate.ts'
import { Store, type Queryable } from '../../store/store.ts'
import { CommandError } from '../command-error.ts'
import { ConfigError, type Config } from '../config.ts'
import { databaseIn } from '../state-directory.ts'

/** Where an instance is looked for, as on the command line. */
export interface InstanceFlags {
  readonly project?: string | undefined
  readonly workspace?: string | undefined
}

/**
 * Opens the installation's database for a command that may write to it, whether a server runs on it or not.
 * @throws ConfigError or SchemaError when there is none that this program can write to
 */
export async function withDatabase(
  config: Config,
  work: (store: Store, installId: string) => Promise<void>,
): Promise<void> {
  const store = await Store.openExisting(databaseIn(config.state))
  try {
    await checkSchema(store.db)
    const installId = await readInstallationId(store.db)
    if (installId === undefined) throw new ConfigError(`${config.state} holds no installation yet.`)
    await work(store, installId)
  } finally {
    await store.close()
  }
}

/** The one instance that fits. @throws CommandError when there is none, ConfigError when more must be said */
export async function findOne(db: Queryable, search: InstanceSearch): Promise<LocatedInstance> {
  const found = await locatedInstances(db, search)
  const [only, another] = found
  if (only && !another) return only
  const what = JSON.stringify(search.named)
  if (!only)
    throw new CommandError(`No instance has the name or id ${what}. List them with: berth instance list`)
  const places = found.map((it) => `${pathOf(it)} (${it.row.kind} ${it.row.id})`).join(', ')
  throw new ConfigError(
    `${found.length} instances are called ${what}: ${places}. Give --project and --workspace, or the id.`,
  )
}
