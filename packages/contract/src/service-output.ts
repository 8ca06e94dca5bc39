import Type from 'typebox'
import type { ApplicationSettings } from './application/application-settings.ts'
import { MASK } from './mask.ts'

/** Output of a service: resource template → tasks → task → key → `{value}` (wire contract 2.6). */
export const ServiceOutput = Type.Record(
  Type.String(),
  Type.Object({
    tasks: Type.Record(
      Type.String(),
      Type.Record(Type.String(), Type.Object({ value: Type.String() }, { title: 'OutputValue' })),
    ),
  }),
  { title: 'ServiceOutput' },
)
export type ServiceOutput = Type.Static<typeof ServiceOutput>

/** Where something answers. */
export interface Place {
  readonly address: string
  readonly port: number
}

/** What is known of a service's machine. */
export interface ServiceFacts {
  /** The resource template of the output: what kind of service it is. */
  readonly template: string
  /** Null when the machine runs none. */
  readonly application: Pick<ApplicationSettings, 'tls' | 'outputs'> | null
  /** Where the application's port is reached from outside; null where nothing leads there. */
  readonly applicationPlace: Place | null
  /** Where SSH answers; null for nowhere. */
  readonly ssh: Place | null
  readonly username: string
  /** "" when password login is off. */
  readonly password: string
  readonly privateAddress: string
  /** "" when it has none. */
  readonly publicAddress: string
}

/**
 * The profile's outputs in its order, then how to get into the machine. Clients take a key with `url`,
 * `endpoint` or `host` in it for the address and one with `token` or `key` for the secret (wire contract 2.6),
 * so no key of the machine holds such a word.
 * @param masked whether secrets read as the mask
 */
export function serviceOutput(facts: ServiceFacts, masked: boolean): ServiceOutput {
  const { application, ssh, username } = facts
  const secret = (value: string) => (masked && value !== '' ? MASK : value)
  const keys: [key: string, value: string][] = [
    ...(application?.outputs ?? []).map(({ key, kind, path, value = '', ...output }): [string, string] => {
      if (kind === 'url') return [key, urlOf(facts.applicationPlace, application?.tls === true, path)]
      return [key, output.secret ? secret(value) : value]
    }),
    ['SSH Command', ssh === null ? '' : sshCommand(ssh, username)],
    ['Username', username],
    ['Password', secret(facts.password)],
    ['Private IP', facts.privateAddress],
    ['Public IP', facts.publicAddress],
  ]
  const values = Object.fromEntries(keys.map(([key, value]) => [key, { value }]))
  return { [facts.template]: { tasks: { application: values } } }
}

/** "" when the application is not reached from outside. */
function urlOf(place: Place | null, tls: boolean, path = ''): string {
  if (place === null) return ''
  const [scheme, defaultPort] = tls ? ['https', 443] : ['http', 80]
  return `${scheme}://${place.address}${place.port === defaultPort ? '' : `:${place.port}`}${path}`
}

function sshCommand({ address, port }: Place, username: string): string {
  return `ssh ${port === 22 ? '' : `-p ${port} `}${username}@${address}`
}
