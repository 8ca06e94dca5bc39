import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { MASK } from '@berth/contract/mask'
import type { PublishedSettings } from './published-settings.ts'

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

function masked(secret: string): string {
  return secret === '' ? '' : MASK
}
