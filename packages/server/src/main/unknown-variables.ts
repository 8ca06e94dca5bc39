import { nameFinder } from '@berth/contract/near-name'
import { Config } from './config.ts'
import { variableOf } from './setting-names.ts'

/** Variables of Berth's that are no settings of the server: its own file, the demo's, and those of setup and tests. */
const OTHERS = [
  'BERTH_CONFIG',
  'BERTH_DEMO_STATE',
  'BERTH_DEMO_LISTEN',
  'BERTH_REPORTS',
  'BERTH_BOOT_LEDGER',
  'BERTH_SETUP_LOCK',
]

/** A sentence for each variable that looks like Berth's and means nothing to it. */
export function unknownVariables(env: NodeJS.ProcessEnv = process.env): string[] {
  const known = [...Object.keys(Config.properties).map(variableOf), ...OTHERS]
  const meant = nameFinder(known)
  const given = Object.keys(env).filter(
    (name) => name.startsWith('BERTH_') && !name.startsWith('BERTH_TEST_'),
  )
  return given
    .filter((name) => !known.includes(name))
    .map((name) => {
      const nearest = meant(name)
      return `The variable ${name} means nothing to Berth${nearest === undefined ? '' : `; ${nearest} does`}.`
    })
}
