import { ApiError } from './api-error.ts'
import { machineSize, type MachineSize } from './machine-size.ts'
import { meantVariables, type MeantVariable } from './machine-variables.ts'
import {
  parseFirewallRules,
  parsePortForwards,
  type FirewallRule,
  type PortForward,
} from './network-rules.ts'
import { passwordProblem } from './password.ts'
import { parseSshKeys } from './ssh-public-key.ts'
import type { VariableMeaning } from './variable-meaning.ts'
import { quoted, truth } from './variable-text.ts'
import type { Variable } from './variable.ts'

/** What an object's variables ask of its machine. */
export interface MachineSettings extends MachineSize {
  readonly password: string
  readonly sshKeys: readonly string[]
  readonly publicIp: boolean
  readonly firewallRules: readonly FirewallRule[]
  readonly portForwards: readonly PortForward[]
  readonly otel: boolean
}

function password({ name, value }: MeantVariable): string {
  const problem = passwordProblem(value)
  if (problem !== null) throw ApiError.invalid(name, problem)
  return value
}

/**
 * Gives an object's variables their meaning.
 * @throws ApiError 400 naming the variable
 */
export function machineSettings(profile: readonly Variable[], own: readonly Variable[]): MachineSettings {
  const found = meantVariables(profile, own)
  const read = <T>(meaning: VariableMeaning, parse: (value: MeantVariable) => T, fallback: T): T => {
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
    ...machineSize(found),
    password: read('password', password, ''),
    sshKeys: read('sshKeys', (value) => parseSshKeys(value.name, value.value), []),
    publicIp,
    portForwards,
    firewallRules: read('firewallRules', ({ name, value }) => parseFirewallRules(name, value), []),
    otel: read('otel', ({ name, value }) => truth(name, value), false),
  }
}
