import { APPLICATION_PORTS, applicationNames, type ApplicationPorts } from '@berth/contract/application-ports'
import { parseSources, type FirewallRule, type PortForward } from '@berth/contract/network-rules'
import { addressSet, EVERY_ADDRESS, union, type AddressSet } from './address-set.ts'
import type { Gate } from './gate.ts'

export type Transport = 'tcp' | 'udp'

/** What a rule speaks of: ports of one protocol (none listed: all of it), or every protocol. */
export interface ServiceMatch {
  readonly protocol: Transport | 'icmp' | 'any'
  /** Ascending, each once. */
  readonly ports: readonly number[]
}

/** One firewall rule with its meaning spelled out. One without services matches nothing. */
export interface PolicyRule {
  /** What people see: the rule's place among the user's, from 1, and its application. */
  readonly label: string
  readonly action: 'allow' | 'drop'
  readonly from: AddressSet
  readonly services: readonly ServiceMatch[]
}

/** A port of the edge address whose packets are routed to a port of a guest. */
export interface RoutedForward {
  readonly protocol: Transport
  /** The port of the edge address. */
  readonly port: number
  readonly internalPort: number
  /** Whom it admits where no rule decides. */
  readonly from: AddressSet
}

/** How a guest is reached from beyond the host by routing; on the loopback uplink the relay does that. */
export interface RoutedWays {
  readonly publicAddress: string | null
  readonly forwards: readonly RoutedForward[]
}

export const NO_ROUTED_WAYS: RoutedWays = { publicAddress: null, forwards: [] }

/**
 * What may reach one guest: the first rule that matches decides, then the forward that a connection came by,
 * and what nothing admits is dropped. What comes through the relay has met the same rules there, so the kernel
 * lets the relay reach `relayed`.
 */
export interface GuestPolicy {
  readonly rules: readonly PolicyRule[]
  readonly relayed: Readonly<Record<Transport, readonly number[]>>
  readonly ways: RoutedWays
}

/** A guest that only the operator's SSH forward reaches. */
export const CLOSED_POLICY: GuestPolicy = {
  rules: [],
  relayed: { tcp: [22], udp: [] },
  ways: NO_ROUTED_WAYS,
}

/**
 * Spells out a user's rules. `port` decides where it is there, with tcp for protocol unless told; else the
 * applications do, filtered by protocol.
 * @param rules as parseFirewallRules took them
 */
export function compileRules(rules: readonly FirewallRule[]): PolicyRule[] {
  return rules.map((rule, index) => ({
    label: labelOf(rule, index),
    action: rule.action,
    from: addressSet(parseSources('source_cidr', rule.source_cidr)),
    services: servicesOf(rule),
  }))
}

/** What `policy` says of one port of a guest, as the relay applies it to a client's address. */
export function gateFor(
  rules: readonly PolicyRule[],
  protocol: Transport,
  port: number,
  forwards: readonly PortForward[] = [],
): Gate {
  const gate = rules
    .filter(({ services }) => services.some((service) => covers(service, protocol, port)))
    .map(({ action, from }) => ({ action, from }))
  const own = forwardSources(forwards, protocol, port)
  return own.length > 0 ? [...gate, { action: 'allow', from: own }] : gate
}

/** Whom the forwards to one port of a guest admit: those that agree in port and protocol share an external port. */
export function forwardSources(
  forwards: readonly PortForward[],
  protocol: Transport,
  port: number,
): AddressSet {
  return union(
    forwards
      .filter((forward) => forward.internal_port === port && (forward.protocol ?? 'tcp') === protocol)
      .flatMap((forward) => addressSet(parseSources('source', forward.source))),
  )
}

/**
 * The ports that some rule opens to somebody. Where a rule opens all of a protocol, these are the ports of
 * the applications table: nobody can listen on all 65,535.
 */
export function openPorts(rules: readonly PolicyRule[]): Record<Transport, number[]> {
  const of = (protocol: Transport) => {
    const services = rules.filter(({ action }) => action === 'allow').flatMap((rule) => rule.services)
    const fitting = services.filter((service) => [protocol, 'any'].includes(service.protocol))
    const ports = fitting.flatMap((service) =>
      service.ports.length > 0 ? service.ports : knownPorts(protocol),
    )
    return [...new Set(ports)].filter((port) => isOpen(gateFor(rules, protocol, port))).toSorted(ascending)
  }
  return { tcp: of('tcp'), udp: of('udp') }
}

function isOpen(gate: Gate): boolean {
  const everybody = gate.findIndex(({ from }) => from[0]?.[0] === 0 && from[0][1] === EVERY_ADDRESS[0]?.[1])
  const reached = everybody < 0 ? gate : gate.slice(0, everybody + 1)
  return reached.some(({ action }) => action === 'allow')
}

function labelOf({ application }: FirewallRule, index: number): string {
  // The label becomes a comment of at most 128 bytes in the kernel.
  const shown = application.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 60)
  return `${index + 1} ${shown}`.trim()
}

function servicesOf({ port, protocol, application }: FirewallRule): ServiceMatch[] {
  if (port !== undefined) return [{ protocol: protocol ?? 'tcp', ports: [port] }]
  const named = applicationNames(application).flatMap((name) => APPLICATION_PORTS[name] ?? [])
  const wanted = protocol === undefined ? named : named.flatMap((service) => narrowed(service, protocol))
  if (wanted.some((service) => service.protocol === 'any')) return [{ protocol: 'any', ports: [] }]
  return (['tcp', 'udp', 'icmp'] as const).flatMap((each) => {
    const fitting = wanted.filter((service) => service.protocol === each)
    if (fitting.length === 0) return []
    if (fitting.some(({ ports }) => ports.length === 0)) return [{ protocol: each, ports: [] }]
    return [{ protocol: each, ports: distinct(fitting.flatMap(({ ports }) => ports)) }]
  })
}

function narrowed(service: ApplicationPorts, protocol: Transport): ApplicationPorts[] {
  if (service.protocol === 'any') return [{ protocol, ports: [] }]
  return service.protocol === protocol ? [service] : []
}

function covers(service: ServiceMatch, protocol: Transport, port: number): boolean {
  if (service.protocol !== 'any' && service.protocol !== protocol) return false
  return service.ports.length === 0 || service.ports.includes(port)
}

function knownPorts(protocol: Transport): number[] {
  return Object.values(APPLICATION_PORTS)
    .flat()
    .flatMap((service) => (service.protocol === protocol ? service.ports : []))
}

function distinct(ports: readonly number[]): number[] {
  return [...new Set(ports)].toSorted(ascending)
}

function ascending(one: number, other: number): number {
  return one - other
}
