import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { MASK } from '@berth/contract/mask'
import { sealSettings, type PublishedSettings } from './published-settings.ts'
import type { ComputeInstanceRow } from './schema.ts'
import type { SecretBox } from './secret-box.ts'

/** What an instance's output needs of its published settings. */
export interface ShownSettings {
  /** "" when password login is off. */
  readonly password: string
  readonly application?: Pick<ApplicationSettings, 'port' | 'tls' | 'outputs'>
}

/** The settings as anybody may read them: every secret is the mask, or "" when there is none. */
export function shownSettings({ password, application }: PublishedSettings): ShownSettings {
  if (application === undefined) return { password: masked(password) }
  const { port, tls } = application
  const outputs = application.outputs.map(({ value, ...output }) => {
    if (value === undefined) return output
    return { ...output, value: output.secret ? masked(value) : value }
  })
  return { password: masked(password), application: { port, tls, outputs } }
}

/** The columns that hold what was published: sealed, and beside it what anybody may see. */
export function settingsColumns(
  box: SecretBox,
  id: string,
  settings: PublishedSettings,
): Pick<ComputeInstanceRow, 'published_settings' | 'shown_settings'> {
  return {
    published_settings: sealSettings(box, id, settings),
    shown_settings: JSON.stringify(shownSettings(settings)),
  }
}

function masked(secret: string): string {
  return secret === '' ? '' : MASK
}
