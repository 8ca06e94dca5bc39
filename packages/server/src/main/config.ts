import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import Type from 'typebox'
import Value from 'typebox/value'

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
    guestUser: Type.String({
      pattern: '^[a-z_][a-z0-9_-]{0,31}$',
      description: 'The unprivileged user of QEMU processes',
    }),
    datacenter: Type.String({
      minLength: 1,
      description: 'The name that instances show as their datacenter',
    }),
    logLevel: Type.Enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']),
  },
  { additionalProperties: false },
)
export type Config = Type.Static<typeof Config>

/** What was given on the command line. */
export type ConfigFlags = { readonly [Name in keyof Config]?: string } & { readonly config?: string }

const CONFIG_FILE = '/etc/berth/config.json'

/** A configuration that cannot be used; the message says which setting and why. */
export class ConfigError extends Error {}

function defaults(env: NodeJS.ProcessEnv): Config {
  const isRoot = process.getuid?.() === 0
  const home = env['HOME'] ?? homedir()
  return {
    listen: '127.0.0.1:7080',
    state: isRoot ? '/var/lib/berth' : join(env['XDG_STATE_HOME'] ?? join(home, '.local/state'), 'berth'),
    cache: isRoot ? '/var/cache/berth' : join(env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'berth'),
    driver: 'qemu',
    accelerator: 'auto',
    guestNetwork: '10.64.0.0/20',
    guestUser: 'berth-guest',
    datacenter: 'local',
    logLevel: 'info',
  }
}

/** `guestNetwork` is BERTH_GUEST_NETWORK. */
function variableOf(name: string): string {
  return `BERTH_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined && !existsSync(CONFIG_FILE)) return {}
  const file = path ?? CONFIG_FILE
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch (error) {
    throw new ConfigError(
      `The configuration file ${file} cannot be read: ${error instanceof Error ? error.message : 'it is not JSON'}`,
    )
  }
}

/** @throws ConfigError naming the setting */
export function loadConfig(flags: ConfigFlags, env: NodeJS.ProcessEnv = process.env): Config {
  const names = Object.keys(Config.properties)
  const fromEnv = Object.fromEntries(
    names
      .map((name) => [name, env[variableOf(name)]])
      .filter(([, value]) => value !== undefined && value !== ''),
  )
  const { config: file, ...given } = flags
  const fromFlags = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const merged = { ...defaults(env), ...fromFile(file ?? env['BERTH_CONFIG']), ...fromEnv, ...fromFlags }
  if (!Value.Check(Config, merged)) {
    const [error] = Value.Errors(Config, merged)
    const name = error?.instancePath.slice(1) || 'configuration'
    const hint = name in Config.properties ? ` (flag --${kebab(name)}, variable ${variableOf(name)})` : ''
    throw new ConfigError(
      `${name}: ${error?.message ?? 'is not valid'}${hint}. Known settings: ${names.join(', ')}.`,
    )
  }
  return { ...merged, state: resolve(merged.state), cache: resolve(merged.cache) }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The two halves of `address:port`; an IPv6 address stands in brackets. */
export function listenAddress(config: Config): { host: string; port: number } {
  const at = config.listen.lastIndexOf(':')
  const port = Number(config.listen.slice(at + 1))
  if (port > 65_535)
    throw new ConfigError(`listen: ${port} is not a port (flag --listen, variable BERTH_LISTEN).`)
  return { host: config.listen.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port }
}
