import { ApiError } from './api-error.ts'
import {
  parseFirewallRules,
  parsePortForwards,
  type FirewallRule,
  type PortForward,
} from './network-rules.ts'
import { parseSshKeys } from './ssh-public-key.ts'
import { meaningOf, type VariableMeaning } from './variable-meaning.ts'
import { quoted, truth } from './variable-text.ts'
import { mergeVariables, type Variable } from './variable.ts'

/** What an object's variables ask of its machine. */
export interface MachineSettings {
  readonly vcpus: number
  readonly memoryMib: number
  readonly diskGib: number
  readonly gpuCount: number
  readonly gpuModel: string
  readonly password: string
  readonly sshKeys: readonly string[]
  readonly publicIp: boolean
  readonly firewallRules: readonly FirewallRule[]
  readonly portForwards: readonly PortForward[]
  readonly otel: boolean
}

/** Used where a profile names no size: enough for a Debian guest. */
const DEFAULTS = { vcpus: 1, memoryMib: 1024, diskGib: 10 } as const

const LIMITS = { vcpus: 512, memoryMib: 16 * 1024 * 1024, diskGib: 65_536, gpuCount: 64 } as const

const MIB_PER_UNIT: Readonly<Record<string, number>> = {
  MiB: 1,
  // The field writes "MB" where hypervisors count MiB ("720000" for a 703 GiB machine): one and the same.
  MB: 1,
  GiB: 1024,
  GB: 1024,
  TiB: 1024 * 1024,
}

interface Found {
  readonly name: string
  readonly value: string
  readonly unit: string | undefined
}

function wholeNumber(found: Found, minimum: number, maximum: number): number {
  const text = found.value.trim()
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
    throw ApiError.invalid(
      found.name,
      `must be a whole number from ${minimum} to ${maximum}; got ${quoted(found.value)}`,
    )
  }
  return number
}

function mebibytes(found: Found, defaultUnit: string, maximum: number): number {
  const unit = found.unit ?? defaultUnit
  const factor = MIB_PER_UNIT[unit]
  const text = found.value.trim()
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (factor === undefined || !(number > 0) || number * factor > maximum) {
    const problem =
      factor === undefined
        ? `has the unknown unit ${unit}; known are ${Object.keys(MIB_PER_UNIT).join(', ')}`
        : `must be a size above 0 in ${unit}; got ${quoted(found.value)}`
    throw ApiError.invalid(found.name, problem)
  }
  return Math.ceil(number * factor)
}

function password(found: Found): string {
  // oxlint-disable-next-line no-control-regex -- chpasswd and crypt cannot carry these
  if (/[\u0000-\u001f\u007f]/.test(found.value))
    throw ApiError.invalid(found.name, 'must not hold control characters')
  if (found.value.length > 256) throw ApiError.invalid(found.name, 'must be at most 256 characters')
  return found.value
}

/**
 * Gives an object's variables their meaning. The profile decides which name means what; "" equals absent
 * (guide, "Variable Value Convention").
 * @throws ApiError 400 naming the variable
 */
export function machineSettings(profile: readonly Variable[], own: readonly Variable[]): MachineSettings {
  const found = new Map<VariableMeaning, Found>()
  for (const variable of mergeVariables(profile, own)) {
    const meaning = meaningOf(profile, variable.name)
    if (meaning && variable.value) {
      found.set(meaning, { name: variable.name, value: variable.value, unit: variable.options?.unit })
    }
  }
  const read = <T>(meaning: VariableMeaning, parse: (value: Found) => T, fallback: T): T => {
    const value = found.get(meaning)
    return value ? parse(value) : fallback
  }
  const wantsPublicIp = read('publicIp', ({ name, value }) => truth(name, value), false)
  const portForwards = read('portForwards', ({ name, value }) => parsePortForwards(name, value), [])
  // Forwards take the place of an address that the profile gives to everybody.
  const isDefault = profile.some(
    ({ name, value }) => value && name === found.get('publicIp')?.name && truth(name, value),
  )
  const publicIp = wantsPublicIp && !(isDefault && portForwards.length > 0)
  const forwards = found.get('portForwards')
  if (publicIp && portForwards.length > 0 && forwards) {
    throw ApiError.invalid(
      forwards.name,
      `excludes a public IP; leave it "[]", or set ${quoted(found.get('publicIp')?.name ?? '')} to "False"`,
    )
  }
  return {
    vcpus: read('vcpu', (value) => wholeNumber(value, 1, LIMITS.vcpus), DEFAULTS.vcpus),
    memoryMib: read('memory', (value) => mebibytes(value, 'MiB', LIMITS.memoryMib), DEFAULTS.memoryMib),
    diskGib: read(
      'disk',
      (value) => Math.ceil(mebibytes(value, 'GiB', LIMITS.diskGib * 1024) / 1024),
      DEFAULTS.diskGib,
    ),
    gpuCount: read('gpuCount', (value) => wholeNumber(value, 0, LIMITS.gpuCount), 0),
    gpuModel: read('gpuModel', (value) => value.value.trim(), ''),
    password: read('password', password, ''),
    sshKeys: read('sshKeys', (value) => parseSshKeys(value.name, value.value), []),
    publicIp,
    portForwards,
    firewallRules: read('firewallRules', ({ name, value }) => parseFirewallRules(name, value), []),
    otel: read('otel', ({ name, value }) => truth(name, value), false),
  }
}
