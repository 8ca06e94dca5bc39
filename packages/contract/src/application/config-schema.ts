import Type from 'typebox'
import Value from 'typebox/value'
import { ApiError } from '../api-error.ts'
import { ONE_LINE } from '../one-line.ts'
import { meaningOf } from '../variable-meaning.ts'
import type { Variable } from '../variable.ts'

/** What may describe a member besides; read by user interfaces only. */
const annotations = {
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  examples: Type.Optional(Type.Array(Type.Unknown())),
  format: Type.Optional(Type.String()),
}
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const strict = { additionalProperties: false } as const

/** One member of an application's configuration: the part of JSON Schema that is applied, and two keywords more. */
export const MemberSchema = Type.Object(
  {
    ...annotations,
    type: Type.Enum(['string', 'integer', 'number', 'boolean']),
    enum: Type.Optional(Type.Array(Type.String({ minLength: 1, pattern: ONE_LINE }), { minItems: 1 })),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    minLength: Type.Optional(Type.Integer({ minimum: 0 })),
    maxLength: Type.Optional(Type.Integer({ minimum: 1 })),
    default: Type.Optional(Scalar),
    sensitive: Type.Optional(Type.Boolean({ description: 'Stored encrypted, read back masked' })),
    generate: Type.Optional(Type.Boolean({ description: 'Made up where it is missing' })),
  },
  strict,
)
export type MemberSchema = Type.Static<typeof MemberSchema>

/** The `options.schema.jsonschema` of the variable that means `applicationConfig`. */
export const ConfigSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    title: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    type: Type.Literal('object'),
    properties: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' }), MemberSchema, strict),
    required: Type.Optional(Type.Array(Type.String())),
    additionalProperties: Type.Optional(Type.Literal(true)),
  },
  strict,
)
export type ConfigSchema = Type.Static<typeof ConfigSchema>

/**
 * The variable of a service profile that holds its application's configuration, and what may stand in it.
 * @throws ApiError 400 when there is not just one, or it does not say what it holds
 */
export function configVariable(variables: readonly Variable[]): { name: string; schema: ConfigSchema } {
  const found = variables.filter(({ name }) => meaningOf(variables, name) === 'applicationConfig')
  const [variable] = found
  if (!variable || found.length > 1) {
    throw ApiError.invalid(
      'spec.variables',
      `one variable must have the meaning applicationConfig, since there is spec.application; ${found.length} do`,
    )
  }
  const schema = (variable.options?.schema as { jsonschema?: unknown } | undefined)?.jsonschema
  const field = `${variable.name}.options.schema.jsonschema`
  if (schema === undefined)
    throw ApiError.invalid(field, "must be the JSON Schema of the configuration's members")
  if (!Value.Check(ConfigSchema, schema)) {
    const [error] = Value.Errors(ConfigSchema, schema)
    const place = (error?.instancePath ?? '').replaceAll('/', '.')
    const problem = error?.keyword === 'boolean' ? 'is no keyword that is applied here' : error?.message
    throw ApiError.invalid(field + place, problem ?? 'must be the schema of an object')
  }
  return { name: variable.name, schema }
}

/** The schema of one member; undefined where the configuration has none of this name. */
export function memberSchema(schema: ConfigSchema, member: string): MemberSchema | undefined {
  return Object.hasOwn(schema.properties, member) ? schema.properties[member] : undefined
}
