import { ApiError } from '../api-error.ts'
import { readMember, sameWord } from './config-member.ts'
import { memberSchema, type ConfigSchema, type MemberSchema } from './config-schema.ts'

/** Characters of a token or key that is made up, which nobody types. */
export const GENERATED_SECRET_LENGTH = 40

/**
 * Refuses a configuration's schema that no value could meet, or that would show a secret.
 * @param name of the variable that holds the configuration
 * @throws ApiError 400 naming the member's keyword
 */
export function checkConfigSchema(name: string, schema: ConfigSchema): void {
  const place = `${name}.options.schema.jsonschema`
  for (const member of schema.required ?? []) {
    if (!memberSchema(schema, member)) {
      throw ApiError.invalid(`${place}.required`, `${JSON.stringify(member)} is no member of ${name}`)
    }
  }
  const members = Object.entries(schema.properties)
  for (const [index, [member, declared]] of members.entries()) {
    const field = `${place}.properties.${member}`
    const twin = members.slice(0, index).find(([other]) => sameWord(other, member))
    if (twin) throw ApiError.invalid(field, `differs from ${twin[0]} in case only; choose another name`)
    checkSecrecy(field, declared)
    checkBounds(field, declared)
    readMember(`${field}.default`, declared, declared.default)
  }
}

function checkSecrecy(field: string, declared: MemberSchema): void {
  if (declared.sensitive && (declared.default !== undefined || declared.type !== 'string')) {
    throw ApiError.invalid(field, 'is a secret, so it must be a string and have no default')
  }
  if (declared.sensitive && declared.enum !== undefined) {
    throw ApiError.invalid(`${field}.enum`, 'would tell everybody what the secret can be; leave it out')
  }
  if (declared.generate && !declared.sensitive) {
    throw ApiError.invalid(`${field}.generate`, 'makes up secrets only; add "sensitive": true')
  }
}

function checkBounds(field: string, declared: MemberSchema): void {
  const { minimum, maximum, minLength = 0, maxLength, generate } = declared
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    throw ApiError.invalid(`${field}.minimum`, `must be ${maximum} or less, as maximum is`)
  }
  if (maxLength !== undefined && minLength > maxLength) {
    throw ApiError.invalid(`${field}.minLength`, `must be ${maxLength} or less, as maxLength is`)
  }
  if (!generate) return
  const length = GENERATED_SECRET_LENGTH
  if (minLength > length) {
    throw ApiError.invalid(
      `${field}.minLength`,
      `must be ${length} or less, as what is made up has ${length}`,
    )
  }
  if (maxLength !== undefined && maxLength < length) {
    throw ApiError.invalid(
      `${field}.maxLength`,
      `must be ${length} or more, as what is made up has ${length}`,
    )
  }
}
