/** What a variable can mean to a machine or to the application on it. A profile names it in `options.meaning`. */
export const VARIABLE_MEANINGS = [
  'vcpu',
  'memory',
  'disk',
  'gpuCount',
  'gpuModel',
  'password',
  'sshKeys',
  'publicIp',
  'firewallRules',
  'portForwards',
  'otel',
  'applicationConfig',
  'certificate',
] as const
export type VariableMeaning = (typeof VARIABLE_MEANINGS)[number]

/**
 * The meaning of a name whose profile says nothing: the guide's names and the `Guest …` names seen in
 * the field (wire contract 2.4). The only place that knows a variable by its name.
 */
const DEFAULT_MEANINGS: ReadonlyMap<string, VariableMeaning> = new Map([
  ['Guest CPU Count', 'vcpu'],
  ['Guest Memory Size', 'memory'],
  ['Guest Disk Size', 'disk'],
  ['Guest GPU Count', 'gpuCount'],
  ['GPU Model', 'gpuModel'],
  ['Guest Password', 'password'],
  ['SSH Public Keys', 'sshKeys'],
  ['Assign Public IP to Guest', 'publicIp'],
  ['Firewall Rules', 'firewallRules'],
  ['Port Forwards', 'portForwards'],
  ['Enable OTEL Collector', 'otel'],
  ['Jupyter Notebook Config', 'applicationConfig'],
  ['Inference Config', 'applicationConfig'],
  ['Certificate Handling', 'certificate'],
])

interface Named {
  readonly name: string
  readonly options?: { readonly meaning?: VariableMeaning } | undefined
}

/** The meaning of one of an object's variables: what its profile says, else what the name means by default. */
export function meaningOf(profileVariables: readonly Named[], name: string): VariableMeaning | undefined {
  const declared = profileVariables.find((variable) => variable.name === name)?.options?.meaning
  if (declared) return declared
  const byDefault = DEFAULT_MEANINGS.get(name)
  // A profile that gives the meaning to another name has taken it away from the default one.
  const taken = profileVariables.some((variable) => variable.options?.meaning === byDefault)
  return taken ? undefined : byDefault
}
