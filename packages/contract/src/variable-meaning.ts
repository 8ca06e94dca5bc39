/** What a variable can mean to a machine or to the application on it. A profile names it in `options.meaning`. */
export const VARIABLE_MEANINGS = [
  'vcpu',
  'memory',
  'disk',
  'gpuCount',
  'gpuModel',
  'nodeType',
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
 * the field (wire contract 2.4). With CLIENT_NAMES the only place that knows a variable by its name.
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

/**
 * Other names that known clients and exported profiles write (wire contract 0.8, 2.4). Their sizes of memory and
 * disks are not among them: they name no unit.
 */
const CLIENT_NAMES: ReadonlyMap<string, VariableMeaning> = new Map([
  ['cpu', 'vcpu'],
  ['GPU Count', 'gpuCount'],
  ['gpu', 'gpuCount'],
  ['gpu-model', 'gpuModel'],
  ['Node Type', 'nodeType'],
  ['password', 'password'],
  ['ssh-key', 'sshKeys'],
])

interface Named {
  readonly name: string
  readonly options?:
    | {
        readonly meaning?: VariableMeaning
        readonly member?: string
        readonly readOnly?: boolean
        readonly override?: { readonly type: string }
      }
    | undefined
}

/**
 * The meaning of one of an object's variables: what its profile says, else what the name means by default. A
 * client's own name has its meaning unless the profile has a variable of that meaning that may not be overridden.
 */
export function meaningOf(profileVariables: readonly Named[], name: string): VariableMeaning | undefined {
  const declared = profileVariables.find((variable) => variable.name === name)
  if (declared?.options?.meaning) return declared.options.meaning
  const byDefault = DEFAULT_MEANINGS.get(name)
  if (byDefault !== undefined) {
    // A profile that gives the meaning to another name has taken it away from the default one.
    const taken = profileVariables.some((variable) => variable.options?.meaning === byDefault)
    return taken ? undefined : byDefault
  }
  const meaning = clientMeaning(name)
  if (meaning === undefined || declared?.options?.member !== undefined) return undefined
  const holder = holderOf(profileVariables, meaning, name)
  return holder === undefined || (!declared && !isFixed(holder)) ? meaning : undefined
}

/** What one of the guide's names stands for; undefined for every other. */
export function defaultMeaning(name: string): VariableMeaning | undefined {
  return DEFAULT_MEANINGS.get(name)
}

/** What a name that is a client's own, and not the guide's, stands for; undefined for every other. */
export function clientMeaning(name: string): VariableMeaning | undefined {
  return CLIENT_NAMES.get(name)
}

/** The clients' own names that have a meaning in an object of the profile. */
export function clientNames(profileVariables: readonly Named[], meaning: VariableMeaning): string[] {
  return [...CLIENT_NAMES.keys()].filter((name) => meaningOf(profileVariables, name) === meaning)
}

/**
 * The profile's variable that says what a client's own name would say.
 * @param name the client's, which is passed over
 */
export function holderOf<Declared extends Named>(
  profileVariables: readonly Declared[],
  meaning: VariableMeaning,
  name: string,
): Declared | undefined {
  const held = meaning === 'nodeType' ? ['gpuModel', 'nodeType'] : [meaning]
  const others = profileVariables.filter((variable) => variable.name !== name)
  const meant = (variable: Named) => variable.options?.meaning ?? DEFAULT_MEANINGS.get(variable.name)
  return (
    others.find((variable) => held.includes(meant(variable) ?? '')) ??
    others.find((variable) => held.includes(clientMeaning(variable.name) ?? ''))
  )
}

/** The names that do something in an object of the profile: its own variables', and the guide's that it leaves free. */
export function knownNames(profileVariables: readonly Named[]): string[] {
  const free = [...DEFAULT_MEANINGS.keys()].filter((name) => meaningOf(profileVariables, name) !== undefined)
  return [...new Set([...profileVariables.map(({ name }) => name), ...free])]
}

/** Whether the profile says of its variable that not every value may take the place of its own. */
export function isFixed({ options }: Named): boolean {
  return options?.readOnly === true || (options?.override?.type ?? 'allowed') !== 'allowed'
}
