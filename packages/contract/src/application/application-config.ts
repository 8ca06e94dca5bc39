import { ApiError } from '../api-error.ts'
import { nameFinder } from '../near-name.ts'
import { mergeVariables, type Variable } from '../variable.ts'
import { readMember, sameWord } from './config-member.ts'
import { configVariable, memberSchema, type ConfigSchema } from './config-schema.ts'

/** An application's configuration as its user gave it, completed from the profile. */
export interface ApplicationConfig {
  readonly schema: ConfigSchema
  /** Where a member comes from, for an error message: variable and JSON path, or the variable that stands for it. */
  readonly fieldOf: (member: string) => string
  /** By member; one that nobody gave and that has no default is absent. */
  readonly values: ReadonlyMap<string, string>
}

/**
 * Reads the configuration: the JSON text's members, then what plain variables give (`options.member`), then the
 * schema's defaults. Members that the schema lacks are passed over.
 * @throws ApiError 400 naming variable and JSON path
 */
export function applicationConfig(profile: readonly Variable[], own: readonly Variable[]): ApplicationConfig {
  const { name, schema } = configVariable(profile)
  const merged = mergeVariables(profile, own)
  const given = parseConfig(name, schema, merged.find((variable) => variable.name === name)?.value ?? '')
  const values = new Map<string, string>()
  const fields = new Map<string, string>()
  const set = (member: string, field: string, value: unknown): void => {
    const declared = memberSchema(schema, member)
    const read = declared && readMember(field, declared, value)
    if (read === undefined || values.has(member)) return
    values.set(member, read)
    fields.set(member, field)
  }
  for (const [member, value] of Object.entries(given)) set(member, `${name}.${member}`, value)
  for (const { name: standIn, options } of profile) {
    const member = options?.member
    if (member !== undefined) set(member, standIn, merged.find((it) => it.name === standIn)?.value)
  }
  for (const [member, { default: value }] of Object.entries(schema.properties)) {
    set(member, `${name}.${member}`, value)
  }
  return { schema, values, fieldOf: (member) => fields.get(member) ?? `${name}.${member}` }
}

function parseConfig(name: string, schema: ConfigSchema, text: string): Record<string, unknown> {
  if (text === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw ApiError.invalid(name, 'must be JSON text: an object such as {"member": "value"}')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw ApiError.invalid(name, 'must be a JSON object')
  }
  const members = Object.keys(schema.properties)
  const nearestTo = nameFinder(members)
  for (const member of Object.keys(value)) {
    if (members.includes(member)) continue
    const nearest = nearestTo(member) ?? ''
    const isSecret = memberSchema(schema, nearest)?.sensitive === true
    const known = isSecret ? nearest : members.find((candidate) => sameWord(candidate, member))
    // Passed over as unknown, a secret would also be readable.
    if (known !== undefined) {
      throw ApiError.invalid(`${name}.${member.slice(0, 64)}`, `is not known; it is written ${known}`)
    }
  }
  return value as Record<string, unknown>
}
