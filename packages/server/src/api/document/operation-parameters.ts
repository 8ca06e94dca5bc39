import { KIND_ACTIONS } from '@berth/contract/instance-status'
import type { DocumentParameter } from './document-types.ts'
import type { SchemaComponents } from './hoist-schemas.ts'

const PLACES = ['path', 'query', 'header', 'cookie'] as const

/** What `{name}` names, by the collection before it, and an example of one. */
const NAMED: Readonly<Record<string, readonly [what: string, example: string]>> = {
  projects: ['project', 'defaultproject'],
  computeprofiles: ['compute profile', 'small-vm'],
  serviceprofiles: ['service profile', 'my-notebook'],
  workspaces: ['workspace', 'dev1'],
  computeinstances: ['compute instance', 'vm-test-api-4'],
  services: ['service', 'notebook-4'],
}

/** An operation's parameters, those of the path first, saying what their values are. */
export function completeParameters(
  path: string,
  parameters: readonly DocumentParameter[],
  components: SchemaComponents,
): DocumentParameter[] {
  return PLACES.flatMap((place) => parameters.filter((parameter) => parameter.in === place)).map(
    (parameter) => ({
      ...parameter,
      ...(parameter.in === 'path' ? pathWords(path, parameter.name) : {}),
      schema: {
        ...components.hoist(parameter.schema),
        // The server refuses other words itself, in a sentence of its own.
        ...(parameter.in === 'path' && parameter.name === 'action' ? { enum: actionsAt(path) } : {}),
      },
    }),
  )
}

function pathWords(path: string, name: string): Partial<DocumentParameter> {
  if (name !== 'name') return {}
  const collection = path.split('/{name}')[0]?.split('/').at(-1) ?? ''
  const [what, example] = NAMED[collection] ?? []
  return what === undefined ? {} : { description: `Name of the ${what}`, example }
}

function actionsAt(path: string): readonly string[] {
  return KIND_ACTIONS[path.includes('/services/') ? 'Service' : 'ComputeInstance']
}
