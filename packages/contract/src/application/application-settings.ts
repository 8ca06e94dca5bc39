import { ApiError } from '../api-error.ts'
import { machineSettings } from '../machine-settings.ts'
import type { ServiceProfileSpec } from '../profile.ts'
import { meaningOf } from '../variable-meaning.ts'
import { quoted, truth } from '../variable-text.ts'
import { mergeVariables, type Variable } from '../variable.ts'
import { applicationConfig, type ApplicationConfig } from './application-config.ts'
import { applicationProblem } from './application-problem.ts'
import type { ApplicationProfile } from './application-profile.ts'
import { fillArguments, fillTemplate, type Filling } from './application-template.ts'
import { configVariable, memberSchema } from './config-schema.ts'
import { isHostname } from './hostname.ts'
import { imageReferenceText, parseImageReference } from './image-reference.ts'

/** A file that the application finds in its container. */
export interface ApplicationFile {
  /** Absolute path inside the container. */
  readonly path: string
  readonly content: string
}

/** A directory of the container that outlives it, on the machine's own disk. */
export interface ApplicationVolume {
  /** Names the volume in the guest: lower-case letters, digits and dashes. */
  readonly name: string
  /** Absolute path inside the container. */
  readonly path: string
}

/** One key of a service's output. */
export interface ApplicationOutput {
  readonly key: string
  /** `url`: where the application answers, with `path` behind it. `text`: `value` as it is. */
  readonly kind: 'url' | 'text'
  readonly path?: string
  readonly value?: string
  /** Whether only who may write the service reads it in the clear. */
  readonly secret: boolean
}

/** What a service's variables ask of the application on its machine; secrets are in the clear. */
export interface ApplicationSettings {
  /** False: the machine without the application, since its user said so. */
  readonly enabled: boolean
  /** The container image with registry and tag or digest, such as `docker.io/vllm/vllm-openai:v0.7.3`. */
  readonly image: string
  /** Words that follow the image's entry point. Like the environment's values, each is one line of any characters. */
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The environment that reaches the guest in a file that only root reads. */
  readonly secretEnvironment: Readonly<Record<string, string>>
  readonly files: readonly ApplicationFile[]
  readonly volumes: readonly ApplicationVolume[]
  /** Absent: the home of the image's user outlives the container too. */
  readonly keepHome?: false
  /** Whether the machine's GPUs go into the container. */
  readonly gpus: boolean
  /** Where the application listens inside the guest. */
  readonly containerPort: number
  /** Where the guest answers for it. */
  readonly port: number
  /** Whether it answers with a certificate of this installation's authority. */
  readonly tls: boolean
  /**
   * What the guest passes on: paths that are one of these, or lie below one that ends in a slash; any other is
   * answered with 404. Absent: every path.
   */
  readonly paths?: readonly string[]
  /** A name that the certificate holds besides the address; "" for none. */
  readonly hostname: string
  readonly health: {
    /** A path that answers without credentials, or refuses them, once the application is up. */
    readonly path: string
    /** HTTP statuses that mean it is up. */
    readonly statuses: readonly number[]
    /** Seconds that a first start may take. */
    readonly timeoutSeconds: number
  }
  readonly outputs: readonly ApplicationOutput[]
  /** Values that were made up because their user gave none, by the configuration's member. */
  readonly generated: Readonly<Record<string, string>>
  /** Every secret that the application is given by any way, generated ones too: what nobody may read in its words. */
  readonly secrets: readonly string[]
}

/** The guest's own SSH server listens there. */
const SSH_PORT = 22

/**
 * What a service's variables ask of its application; the profile says how (`spec.application`).
 * @param make gives a secret for a member that its user left out; called for members with `generate` only
 * @returns null when the profile runs no application
 * @throws ApiError 400 naming the variable and the JSON path in it
 */
export function applicationSettings(
  profile: ServiceProfileSpec,
  own: readonly Variable[],
  make: (member: string) => string,
): ApplicationSettings | null {
  const { application, variables = [] } = profile
  if (!application) return null
  const given = applicationConfig(variables, own)
  const { schema } = given
  const enabled =
    !application.enabled || given.values.get(application.enabled.member)?.toLowerCase() === 'true'
  const image = imageOf(given, application)
  const hostname = hostnameOf(given, application)
  const tls = certificate(variables, own)
  const port = portOf(given, application, tls)
  const containerPort = port === application.containerPort ? port + 1 : application.containerPort
  if (enabled) checkRequired(given, application)
  const generated = enabled ? generatedMembers(given, make) : {}
  const config = { ...given, values: new Map([...given.values, ...Object.entries(generated)]) }
  const { gpuCount } = machineSettings(variables, own)
  const filling: Filling = {
    config,
    placeholders: {
      containerPort: String(containerPort),
      port: String(port),
      hostname,
      gpuCount: String(gpuCount),
    },
  }
  const settings: ApplicationSettings = {
    enabled,
    image,
    arguments: fillArguments(filling, application.arguments ?? [], gpuCount > 0),
    environment: environmentOf(filling, application.environment),
    secretEnvironment: environmentOf(filling, application.secretEnvironment),
    files: (application.files ?? []).flatMap(({ path, content }) => {
      const filled = fillTemplate(filling, content)
      return filled === undefined ? [] : [{ path, content: filled }]
    }),
    volumes: application.volumes ?? [],
    ...(application.keepHome === false ? { keepHome: false } : {}),
    gpus: gpuCount > 0,
    containerPort,
    port,
    tls,
    ...(application.paths === undefined ? {} : { paths: application.paths }),
    hostname,
    health: application.health,
    outputs: enabled ? outputsOf(config, application) : [],
    generated,
    secrets: Object.entries(schema.properties).flatMap(([member, { sensitive }]) =>
      sensitive === true ? (config.values.get(member) ?? []) : [],
    ),
  }
  // What its members were checked for singly does not say how long they are together.
  const problem = applicationProblem(settings)
  if (problem !== null) throw ApiError.invalid(configVariable(variables).name, problem)
  return settings
}

function imageOf({ values, fieldOf }: ApplicationConfig, { image }: ApplicationProfile): string {
  const text = values.get(image.member)
  if (text === undefined) return ''
  const reference = parseImageReference(text)
  if ('problem' in reference) throw ApiError.invalid(fieldOf(image.member), `the image ${reference.problem}`)
  return imageReferenceText(reference)
}

function hostnameOf({ values, fieldOf }: ApplicationConfig, { hostname }: ApplicationProfile): string {
  const text = hostname && values.get(hostname.member)?.toLowerCase()
  if (!hostname || text === undefined) return ''
  if (isHostname(text)) return text
  throw ApiError.invalid(
    fieldOf(hostname.member),
    `must be a host name such as notebook.example.org; got ${quoted(text)}`,
  )
}

function portOf(config: ApplicationConfig, { port }: ApplicationProfile, tls: boolean): number {
  const text = port && config.values.get(port.member)
  if (!port || text === undefined) return tls ? 443 : 80
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 65_535 && number !== SSH_PORT) return number
  const what = number === SSH_PORT ? `is taken by the machine's SSH server; use` : 'must be a port:'
  throw ApiError.invalid(config.fieldOf(port.member), `${what} a whole number from 1 to 65535, but not 22`)
}

function certificate(profile: readonly Variable[], own: readonly Variable[]): boolean {
  const variable = mergeVariables(profile, own).find(
    ({ name, value }) => value && meaningOf(profile, name) === 'certificate',
  )
  return !variable?.value || truth(variable.name, variable.value)
}

function checkRequired({ schema, values, fieldOf }: ApplicationConfig, { image }: ApplicationProfile): void {
  const missing = [...(schema.required ?? []), image.member].find((member) => !values.has(member))
  if (missing !== undefined) throw ApiError.invalid(fieldOf(missing), 'is required')
}

function generatedMembers(
  { schema, values }: ApplicationConfig,
  make: (member: string) => string,
): Record<string, string> {
  const missing = Object.entries(schema.properties).filter(
    ([member, { generate }]) => generate === true && !values.has(member),
  )
  return Object.fromEntries(missing.map(([member]) => [member, make(member)]))
}

function environmentOf(
  filling: Filling,
  templates: ApplicationProfile['environment'] = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(templates).flatMap(([name, template]) => {
      const value = fillTemplate(filling, template)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function outputsOf(
  { schema, values }: ApplicationConfig,
  { outputs = [] }: ApplicationProfile,
): ApplicationOutput[] {
  return outputs.flatMap((output): ApplicationOutput[] => {
    if ('url' in output) return [{ key: output.key, kind: 'url', path: output.url, secret: false }]
    const value = values.get(output.member)
    if (value === undefined) return []
    const secret = memberSchema(schema, output.member)?.sensitive === true
    return [{ key: output.key, kind: 'text', value, secret }]
  })
}
