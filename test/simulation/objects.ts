import { PROJECTS_PATH } from '@berth/contract/api-version'
import { instanceBody, serviceBody } from '../support/api-client.ts'

/** The names that a run uses: machines, and services on theirs. */
export const NAMES = ['a', 'b', 'c', 'd'] as const
export type Name = (typeof NAMES)[number]

const SERVICES: ReadonlySet<Name> = new Set(['b', 'd'])

/** Where objects of the name's kind are. */
export function collectionOf(name: Name): string {
  const kind = SERVICES.has(name) ? 'services' : 'computeinstances'
  return `${PROJECTS_PATH}/defaultproject/workspaces/default/${kind}`
}

/** The guest's password in the size. */
export function passwordOf(size: number): string {
  return `password ${size}`
}

/** Where a service of the size is to serve; null: it is switched off. */
export function applicationPortOf(size: number): number | null {
  return size === 3 ? null : 8440 + size
}

/** What is applied under the name: `size` changes what a running guest takes, and what waits for its next start. */
export function bodyOf(name: Name, size: number): object {
  const variables = [
    { name: 'Guest CPU Count', value: String(size) },
    { name: 'Guest Password', value: passwordOf(size) },
  ]
  if (!SERVICES.has(name)) return instanceBody(name, variables)
  const config = {
    Code_Server_Enabled: applicationPortOf(size) === null ? 'False' : 'True',
    Code_Server_Port: 8440 + size,
    Code_Server_Password: passwordOf(size),
  }
  return serviceBody(
    name,
    [
      ...variables,
      { name: 'Guest Memory Size', value: '1024' },
      { name: 'Code Server Config', value: JSON.stringify(config) },
    ],
    'code-server',
  )
}
