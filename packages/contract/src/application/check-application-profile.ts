import { ApiError } from '../api-error.ts'
import type { ServiceProfileSpec } from '../profile.ts'
import type { Variable } from '../variable.ts'
import { applicationConfig } from './application-config.ts'
import { PLACEHOLDERS, type ApplicationProfile, type Template } from './application-profile.ts'
import { placeholdersIn } from './application-template.ts'
import { checkConfigSchema } from './check-config-schema.ts'
import { readMember } from './config-member.ts'
import { configVariable, memberSchema, type ConfigSchema, type MemberSchema } from './config-schema.ts'
import { parseImageReference } from './image-reference.ts'

const PLACE = 'spec.application'

/** Where a profile uses a template or a member. */
interface Use {
  readonly place: string
  readonly template: Template
  /** Whether only the application reads what comes of it. */
  readonly secret: boolean
}

/**
 * Refuses a profile whose `spec.application` could not work: members and placeholders that nobody knows, defaults
 * that its own schema refuses, secrets where people can read them. A profile without one passes.
 * @throws ApiError 400 naming the place
 */
export function checkApplicationProfile({ application, variables = [] }: ServiceProfileSpec): void {
  if (!application) return
  const { name, schema } = configVariable(variables)
  checkConfigSchema(name, schema)
  checkStandIns(variables, name, schema)
  for (const use of usesIn(application)) checkUse(use, name, schema)
  checkKinds(application, name, schema)
  checkNames(application)
  checkDefaults(application, variables, schema)
}

/** The variables that stand for a member. */
function checkStandIns(variables: readonly Variable[], name: string, schema: ConfigSchema): void {
  const seen = new Map<string, string>()
  for (const { name: standIn, options } of variables) {
    const member = options?.member
    if (member === undefined) continue
    const field = `${standIn}.options.member`
    const declared = memberSchema(schema, member)
    if (!declared) throw unknownMember(field, member, name)
    if (options?.sensitive && !declared.sensitive) {
      const remedy = `add "sensitive": true to the schema of ${member}, or leave it out here`
      throw ApiError.invalid(field, `is a secret, and ${member} is none; ${remedy}`)
    }
    if (declared.sensitive && !options?.sensitive) {
      throw ApiError.invalid(field, `stands for the secret ${member}; add "sensitive": true to its options`)
    }
    const other = seen.get(member)
    if (other !== undefined) throw ApiError.invalid(field, `stands for ${member}, as ${other} does already`)
    seen.set(member, standIn)
  }
}

function usesIn(application: ApplicationProfile): Use[] {
  const { image, enabled, hostname, port, outputs = [], files = [] } = application
  const settings = Object.entries({ image, enabled, hostname, port }).flatMap(([place, template]) =>
    template ? [{ place, template, secret: false }] : [],
  )
  const environments = (['environment', 'secretEnvironment'] as const).flatMap((place) =>
    Object.entries(application[place] ?? {}).map(([key, template]) => ({
      place: `${place}.${key}`,
      template,
      secret: place === 'secretEnvironment',
    })),
  )
  const words = (application.arguments ?? []).map((argument, index): Use => {
    const place = `arguments[${index}]`
    if (typeof argument === 'string') return { place, template: argument, secret: false }
    const template = 'words' in argument ? { member: argument.words } : argument.value
    return { place, template, secret: false }
  })
  return [
    ...settings,
    ...environments,
    ...words,
    ...files.map(({ content }, index) => ({
      place: `files[${index}].content`,
      template: content,
      secret: true,
    })),
    ...outputs.flatMap((output, index) =>
      'member' in output
        ? [{ place: `outputs[${index}]`, template: { member: output.member }, secret: true }]
        : [],
    ),
  ]
}

function checkUse({ place, template, secret }: Use, name: string, schema: ConfigSchema): void {
  const field = `${PLACE}.${place}`
  if (typeof template === 'string') {
    const unknown = placeholdersIn(template).find((it) => !PLACEHOLDERS.some((known) => known === it))
    if (unknown === undefined) return
    const known = PLACEHOLDERS.map((it) => `{${it}}`).join(', ')
    throw ApiError.invalid(field, `has the unknown placeholder {${unknown}}; known are ${known}`)
  }
  const declared = memberSchema(schema, template.member)
  if (!declared) throw unknownMember(field, template.member, name)
  if (declared.sensitive && !secret) {
    const remedy = 'hand it over in secretEnvironment or files'
    throw ApiError.invalid(field, `would show the secret ${template.member}; ${remedy}`)
  }
  if (declared.sensitive && template.values) {
    throw ApiError.invalid(`${field}.values`, `would tell the secret ${template.member}; leave them out`)
  }
  for (const [value, word] of Object.entries(template.values ?? {})) {
    checkSpelling(`${field}.values`, declared, value)
    for (const [member, among] of Object.entries(typeof word === 'string' ? {} : word.when)) {
      const other = memberSchema(schema, member)
      if (!other) throw unknownMember(`${field}.values.${value}.when`, member, name)
      if (other.sensitive) {
        throw ApiError.invalid(
          `${field}.values.${value}.when`,
          `would tell the secret ${member}; leave it out`,
        )
      }
      for (const it of among) checkSpelling(`${field}.values.${value}.when.${member}`, other, it)
    }
  }
}

/** A value that could never be met, since the schema spells it otherwise. */
function checkSpelling(field: string, declared: MemberSchema, value: string): void {
  if (readMember(field, declared, value) === value) return
  throw ApiError.invalid(field, `${JSON.stringify(value)} is not how the schema writes it`)
}

/** The members that the machine itself reads are of the kinds that it can read. */
function checkKinds(application: ApplicationProfile, name: string, schema: ConfigSchema): void {
  const { enabled, port } = application
  const flag = enabled && memberSchema(schema, enabled.member)
  const words = flag?.enum?.map((word) => word.toLowerCase()).toSorted()
  if (flag && flag.type !== 'boolean' && words?.join() !== 'false,true') {
    throw ApiError.invalid(
      `${name}.${enabled?.member}`,
      'must be a boolean, or have the enum "True", "False"',
    )
  }
  if (port && memberSchema(schema, port.member)?.type !== 'integer') {
    throw ApiError.invalid(`${name}.${port.member}`, 'must be an integer, since it is the port')
  }
}

/** The keys of a service's output that say how to get into its machine (service-output.ts). */
const MACHINE_KEYS = ['SSH Command', 'Username', 'Password', 'Private IP', 'Public IP']

/** Names and paths that must not meet, and a health path that is shown. */
function checkNames(application: ApplicationProfile): void {
  const { volumes = [], files = [], outputs = [], health, paths } = application
  const volumePaths = volumes.map(({ path }) => path)
  const lists = {
    'volumes.name': volumes.map(({ name }) => name),
    'volumes.path': volumePaths,
    'files.path': [...volumePaths, ...files.map(({ path }) => path)],
    secretEnvironment: [application.environment, application.secretEnvironment].flatMap((it) =>
      Object.keys(it ?? {}),
    ),
    outputs: [...MACHINE_KEYS, ...outputs.map(({ key }) => key)],
  }
  for (const [place, names] of Object.entries(lists)) {
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice === undefined) continue
    throw ApiError.invalid(
      `${PLACE}.${place}`,
      `${JSON.stringify(twice)} is taken already; choose another name`,
    )
  }
  const isShown = paths?.some(
    (path) => path === health.path || (path.endsWith('/') && health.path.startsWith(path)),
  )
  if (isShown === false) {
    throw ApiError.invalid(`${PLACE}.paths`, `must hold ${health.path}, by which the application is watched`)
  }
}

function checkDefaults(
  application: ApplicationProfile,
  variables: readonly Variable[],
  schema: ConfigSchema,
): void {
  const { values, fieldOf } = applicationConfig(variables, [])
  const secret = Object.keys(schema.properties).find(
    (member) => memberSchema(schema, member)?.sensitive && values.has(member),
  )
  if (secret !== undefined) {
    throw ApiError.invalid(
      fieldOf(secret),
      'is a secret, and everybody reads profiles; give it no value here',
    )
  }
  const image = values.get(application.image.member)
  const reference = image === undefined ? undefined : parseImageReference(image)
  if (reference && 'problem' in reference) {
    throw ApiError.invalid(fieldOf(application.image.member), `the image ${reference.problem}`)
  }
}

function unknownMember(field: string, member: string, name: string): ApiError {
  return ApiError.invalid(field, `${JSON.stringify(member)} is no member of ${name}`)
}
