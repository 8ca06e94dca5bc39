import Type from 'typebox'
import { MAX_VARIABLES, Variable } from './variable.ts'

export const ProfileReference = Type.Object(
  {
    name: Type.String({ minLength: 1, examples: ['1gpu-vm'] }),
    systemCatalog: Type.Optional(
      Type.Boolean({
        description: 'true: the system catalogue only. Otherwise the project first, then the catalogue',
      }),
    ),
  },
  { title: 'ProfileReference' },
)
export type ProfileReference = Type.Static<typeof ProfileReference>

/** What the specs of compute instances and services share, besides the reference to their profile. */
export const instanceSpec = {
  variables: Type.Optional(Type.Array(Variable, { maxItems: 2 * MAX_VARIABLES })),
  datacenter: Type.Optional(Type.Object({ name: Type.Optional(Type.String({ maxLength: 256 })) })),
}
