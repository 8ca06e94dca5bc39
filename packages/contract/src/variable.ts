import Type from 'typebox'
import { VARIABLE_MEANINGS } from './variable-meaning.ts'

/** The most variables one object carries. */
export const MAX_VARIABLES = 64

const Loose = Type.Unknown()

/** How a profile describes a variable (wire contract 2.4); unknown members are kept. */
export const VariableOptions = Type.Object(
  {
    description: Type.Optional(Type.String()),
    required: Type.Optional(Type.Boolean()),
    sensitive: Type.Optional(Type.Boolean({ description: 'Stored encrypted, read back masked' })),
    mask: Type.Optional(Type.Boolean()),
    readOnly: Type.Optional(Type.Boolean()),
    meaning: Type.Optional(
      Type.Enum(VARIABLE_MEANINGS, {
        description: 'What the variable does to the machine, whatever its name',
      }),
    ),
    member: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "In a service profile: the member of the application's configuration that it gives",
      }),
    ),
    perGpu: Type.Optional(
      Type.Boolean({
        description:
          'For vCPUs, memory and disk: the profile’s value is for each GPU. One that an instance sets is for the whole machine',
      }),
    ),
    unit: Type.Optional(Type.String({ description: 'MiB, GiB, TiB, MB or GB, for memory and disk' })),
    override: Type.Optional(
      Type.Object({
        type: Type.Enum(['allowed', 'notallowed', 'restricted']),
        restrictedValues: Type.Optional(Type.Array(Type.String())),
      }),
    ),
    displayMetadata: Type.Optional(Loose),
    schema: Type.Optional(Loose),
  },
  { title: 'VariableOptions' },
)
export type VariableOptions = Type.Static<typeof VariableOptions>

/** One variable. Values are text always, even numbers, booleans and JSON; absent or "" means: none. */
export const Variable = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 256 }),
    value: Type.Optional(Type.String({ maxLength: 65_536 })),
    valueType: Type.Optional(Type.String({ maxLength: 32 })),
    options: Type.Optional(VariableOptions),
  },
  { title: 'Variable' },
)
export type Variable = Type.Static<typeof Variable>

/**
 * The variables that an object shows: the profile's, overlaid by the object's own (wire contract 0.5).
 * Values left out or "" do not override.
 * @param own variables with distinct names
 */
export function mergeVariables(profile: readonly Variable[], own: readonly Variable[]): Variable[] {
  const ownByName = new Map(own.map((variable) => [variable.name, variable]))
  const merged = profile.map((variable) => {
    const mine = ownByName.get(variable.name)
    ownByName.delete(variable.name)
    if (!mine) return variable
    // What a variable is stays the profile's to say: an object cannot declare its password harmless.
    return {
      ...mine,
      ...(mine.value || variable.value === undefined ? {} : { value: variable.value }),
      ...(variable.valueType === undefined ? {} : { valueType: variable.valueType }),
      ...(variable.options === undefined ? {} : { options: variable.options }),
    }
  })
  return [...merged, ...ownByName.values()]
}
