import Type, { type Static, type TSchema } from 'typebox'

/**
 * An object whose members all have one schema. Unlike typebox's own record it holds members of any name to it, line
 * breaks included, and stands in the OpenAPI document as it is: of `patternProperties`, that keeps no pattern.
 * @param names what the members' names are held to
 */
export function recordOf<Value extends TSchema>(
  value: Value,
  options: { readonly names?: string; readonly description?: string } = {},
) {
  const { names, description } = options
  return Type.Unsafe<Record<string, Static<Value>>>({
    type: 'object',
    ...(description === undefined ? {} : { description }),
    ...(names === undefined ? {} : { propertyNames: { pattern: names } }),
    additionalProperties: value,
  })
}
