import { nameFinder } from '@berth/contract/near-name'
import { flagOf, variableOf } from './setting-names.ts'

/** An error of typebox's, as far as it is told of. */
interface SchemaComplaint {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

/** A JSON schema, as far as its members are looked for. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** What settings that a pattern holds look like, with an example. */
const FORMS: Readonly<Record<string, readonly [form: string, example: string]>> = {
  listen: ['address:port', '127.0.0.1:7080'],
  registryMirror: [
    'an http or https URL without user, query and fragment',
    'https://mirror.example/docker or http://127.0.0.1:5000',
  ],
  registryAuthFile: ['an absolute path', '/etc/berth/registry-auth.json'],
  registries: ['host names separated by commas', 'docker.io,ghcr.io'],
}

/** What is wrong with a configuration, in a sentence that names the setting and the fix. */
export function configProblem(schema: object, complaint: SchemaComplaint | undefined): string {
  if (complaint === undefined) return 'The configuration is not valid.'
  const path = complaint.instancePath.slice(1).split('/')
  const name = path.join('.')
  if (complaint.message === 'schema is false') return `${name} is no setting; ${knownAt(schema, path)}.`
  const isFlag = path.length === 1 && name !== 'simulated'
  const hint = isFlag ? ` (flag ${flagOf(name)}, variable ${variableOf(name)})` : ''
  return `${name || 'configuration'}: ${problemOf(name, complaint)}${hint}.`
}

/** What the member was meant to be, or could be. */
function knownAt(schema: object, path: readonly string[]): string {
  const [name = '', ...above] = path.toReversed()
  const parent = above
    .toReversed()
    .reduce<Schema | undefined>((at, member) => at?.properties?.[member] ?? at?.items, schema as Schema)
  const known = Object.keys(parent?.properties ?? {})
  const nearest = nameFinder(known, { shortWords: true })(name)
  if (nearest === undefined) return `there are: ${known.join(', ')}`
  return `${[...above.toReversed(), nearest].join('.')} is`
}

function problemOf(name: string, { message, keyword, params }: SchemaComplaint): string {
  const [form, example] = FORMS[name] ?? []
  if (form !== undefined) return `must be ${form}, such as ${example}`
  if (keyword === 'enum' && 'allowedValues' in params && Array.isArray(params.allowedValues))
    return `must be one of ${params.allowedValues.join(', ')}`
  return message
}
