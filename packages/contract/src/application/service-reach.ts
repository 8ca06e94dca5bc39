import type { MachineSettings } from '../machine-settings.ts'
import { APPLICATION_PORTS, applicationNames } from '../application-ports.ts'
import { parseSources, type FirewallRule } from '../network-rules.ts'
import type { ApplicationSettings } from './application-settings.ts'

type Reach = Pick<MachineSettings, 'firewallRules' | 'portForwards' | 'publicIp'>
type Place = Pick<ApplicationSettings, 'enabled' | 'port'>

/**
 * The rules that guard a service's machine: its user's, or, where they gave none, one that lets anybody reach the
 * application. A port forward needs none: its own source decides.
 */
export function effectiveFirewallRules(machine: Reach, application: Place | null): readonly FirewallRule[] {
  const { firewallRules, publicIp } = machine
  if (firewallRules.length > 0 || !publicIp || !application?.enabled) return firewallRules
  return [
    { source_cidr: 'any', action: 'allow', application: 'service', port: application.port, protocol: 'tcp' },
  ]
}

/**
 * Why nobody outside can reach the application, as a sentence for the service's `reason`; "" when somebody can.
 */
export function reachProblem(machine: Reach, application: Place): string {
  if (!application.enabled) return ''
  const { port } = application
  const rules = effectiveFirewallRules(machine, application)
  const forwards = machine.portForwards.filter(
    ({ internal_port, protocol = 'tcp' }) => internal_port === port && protocol === 'tcp',
  )
  if (!machine.publicIp && forwards.length === 0) {
    const what =
      machine.portForwards.length > 0
        ? 'No port forward leads'
        : 'Neither a public IP nor a port forward leads'
    return `${what} to port ${port}, where the application answers; add one with "internal_port": ${port}.`
  }
  const decisive = rules.filter((rule) => covers(rule, port))
  const admits = decisive.findIndex((rule) => rule.action === 'allow')
  const closes = decisive.findIndex((rule) => rule.action === 'drop' && isForAll(rule))
  const byRule = admits >= 0 && (closes < 0 || admits < closes)
  const byForward = forwards.length > 0 && closes < 0
  if (byRule || byForward) return ''
  return `The firewall rules let nobody reach port ${port}, where the application answers; allow it, or give no rules.`
}

/** Whether a rule is about a TCP port. */
function covers({ application, port, protocol }: FirewallRule, wanted: number): boolean {
  if (port !== undefined) return port === wanted && (protocol ?? 'tcp') === 'tcp'
  if (protocol === 'udp') return false
  return applicationNames(application)
    .flatMap((name) => APPLICATION_PORTS[name] ?? [])
    .some(
      (it) =>
        it.protocol === 'any' ||
        (it.protocol === 'tcp' && (it.ports.length === 0 || it.ports.includes(wanted))),
    )
}

function isForAll({ source_cidr }: FirewallRule): boolean {
  return parseSources('source_cidr', source_cidr).includes('0.0.0.0/0')
}
