import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { USER_NAME } from '@berth/contract/user-name'
import Type from 'typebox'
import Value from 'typebox/value'
import { errorCode } from '../host/error-code.ts'
import { LOOPBACK_EDGE } from '../lifecycle/network-plan.ts'
import { configProblem } from './config-problem.ts'
import { variableOf } from './setting-names.ts'
import { SimulatedSettings } from './simulated-settings.ts'

/** Everything that can be configured. Flags win over BERTH_ variables, they over the file, it over the defaults. */
export const Config = Type.Object(
  {
    listen: Type.String({ pattern: '^.+:\\d{1,5}$', description: 'address:port of the API' }),
    state: Type.String({ minLength: 1, description: 'Directory of the database, the keys and the guests' }),
    cache: Type.String({
      minLength: 1,
      description: 'Directory of guest images, shared by the installations of a host',
    }),
    driver: Type.Enum(['qemu', 'simulated']),
    accelerator: Type.Enum(['auto', 'kvm', 'tcg']),
    guestNetwork: Type.String({ description: "CIDR of every project's private network" }),
    publicPool: Type.String({
      description: 'CIDR of the public addresses: of 127.0.0.0/8 on the loopback uplink',
    }),
    edgeAddress: Type.String({
      format: 'ipv4',
      description: 'Where port forwards answer: a loopback address, or one of the uplink’s network',
    }),
    uplink: Type.Enum(['loopback', 'bridge']),
    uplinkBridge: Type.String({
      pattern: '^[A-Za-z0-9_.-]{0,15}$',
      description: 'The bridge that leads to the public network; empty on the loopback uplink',
    }),
    uplinkNamespace: Type.String({
      pattern: '^[A-Za-z0-9_.-]{0,64}$',
      description: 'The network namespace that the bridge is in; empty for the host’s own',
    }),
    uplinkGateway: Type.String({
      description: 'The next router beyond the bridge with the prefix length of its network',
    }),
    guestEgress: Type.Enum(['off', 'on']),
    guestNameservers: Type.String({
      description: 'What new guests resolve names with: IPv4 addresses, separated by commas',
    }),
    guestUser: Type.String({
      pattern: USER_NAME,
      description: 'The unprivileged user of QEMU processes',
    }),
    datacenter: Type.String({
      minLength: 1,
      description: 'The name that instances show as their datacenter',
    }),
    registryMirror: Type.String({
      pattern: '^(https?://[A-Za-z0-9.-]+(:\\d{1,5})?(/[a-z0-9._/-]*)?)?$',
      description: 'Where container images of docker.io are fetched instead; empty for docker.io itself',
    }),
    registryAuthFile: Type.String({
      pattern: '^(/.*)?$',
      description: 'File with credentials for registries (containers-auth.json(5)); empty for none',
    }),
    registries: Type.String({
      pattern: '^[A-Za-z0-9.:-]+(, *[A-Za-z0-9.:-]+)*$',
      description: 'Registries that tenants may name, separated by commas',
    }),
    simulated: SimulatedSettings,
    logLevel: Type.Enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']),
  },
  { additionalProperties: false },
)
export type Config = Type.Static<typeof Config>

/** What was given on the command line. */
export type ConfigFlags = { readonly [Name in Exclude<keyof Config, 'simulated'>]?: string } & {
  readonly config?: string
}

const CONFIG_FILE = '/etc/berth/config.json'

/** A configuration that cannot be used; the message says which setting and why. */
export class ConfigError extends Error {}

function defaults(env: NodeJS.ProcessEnv): Config {
  const isRoot = process.getuid?.() === 0
  const home = env['HOME'] || homedir()
  return {
    listen: '127.0.0.1:7080',
    state: isRoot ? '/var/lib/berth' : join(env['XDG_STATE_HOME'] || join(home, '.local/state'), 'berth'),
    cache: isRoot ? '/var/cache/berth' : join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'berth'),
    driver: 'qemu',
    accelerator: 'auto',
    guestNetwork: '10.64.0.0/20',
    publicPool: LOOPBACK_EDGE.publicPool,
    edgeAddress: LOOPBACK_EDGE.address,
    uplink: 'loopback',
    uplinkBridge: '',
    uplinkNamespace: '',
    uplinkGateway: '',
    guestEgress: 'off',
    guestNameservers: '',
    guestUser: 'berth-guest',
    datacenter: 'local',
    registryMirror: '',
    registryAuthFile: '',
    registries: 'docker.io,ghcr.io,quay.io,nvcr.io',
    simulated: Value.Create(SimulatedSettings),
    logLevel: 'info',
  }
}

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined && !existsSync(CONFIG_FILE)) return {}
  const file = path ?? CONFIG_FILE
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`The configuration file ${file} cannot be read (${errorCode(error)}).`)
  }
  const settings = parsedJson(`The configuration file ${file}`, text)
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new ConfigError(
      `The configuration file ${file} must hold a JSON object, such as {"state": "/srv/berth"}.`,
    )
  return settings as Record<string, unknown>
}

/** A variable that is empty counts as one that is not set. @throws ConfigError naming the setting */
export function loadConfig(flags: ConfigFlags, env: NodeJS.ProcessEnv = process.env): Config {
  const names = Object.keys(Config.properties)
  const fromEnv = Object.fromEntries(
    names
      .map((name) => [name, env[variableOf(name)]])
      .filter(([, value]) => value !== undefined && value !== ''),
  )
  const { config: file = env['BERTH_CONFIG'] || undefined, ...given } = flags
  if (file === '') throw new ConfigError('config: must name a file (flag --config).')
  const fromFlags = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const merged: Record<string, unknown> = {
    ...defaults(env),
    ...fromFile(file),
    ...fromEnv,
    ...fromFlags,
  }
  merged['simulated'] = simulatedOf(merged['simulated'])
  if (!Value.Check(Config, merged))
    throw new ConfigError(configProblem(Config, Value.Errors(Config, merged).find(isTold)))
  return { ...merged, state: resolve(merged.state), cache: resolve(merged.cache) }
}

/** Typebox tells of a member that there is not twice, first of the object that it is in. */
function isTold({ keyword }: { readonly keyword: string }): boolean {
  return keyword !== 'additionalProperties'
}

/** The settings of the simulated host, over their defaults; a variable holds them as JSON text. */
function simulatedOf(given: unknown): unknown {
  const settings: unknown = typeof given === 'string' ? parsedJson('BERTH_SIMULATED', given) : given
  return typeof settings === 'object' ? { ...Value.Create(SimulatedSettings), ...settings } : settings
}

function parsedJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError(`${what} is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
}

/** The registries that tenants may name, in lower case: `docker.io`, `registry.example:5000`. */
export function tenantRegistries({ registries }: Pick<Config, 'registries'>): string[] {
  return registries.split(',').map((name) => name.trim().toLowerCase())
}

/** The two halves of `address:port`; an IPv6 address stands in brackets. */
export function listenAddress(config: Config): { host: string; port: number } {
  const at = config.listen.lastIndexOf(':')
  const port = Number(config.listen.slice(at + 1))
  if (port > 65_535)
    throw new ConfigError(`listen: ${port} is not a port (flag --listen, variable BERTH_LISTEN).`)
  return { host: config.listen.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port }
}
