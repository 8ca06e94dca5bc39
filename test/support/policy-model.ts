import { APPLICATION_PORTS } from '@berth/contract/application-ports'
import type { FirewallRule } from '@berth/contract/network-rules'

/** A packet that opens a connection. */
export interface Packet {
  readonly source: string
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly port: number
}

/** What the rules' documentation says of a packet, spelled out one rule at a time and without regard to speed. */
export function modelVerdict(rules: readonly FirewallRule[], packet: Packet): 'allow' | 'drop' {
  for (const rule of rules) {
    if (holdsSource(rule.source_cidr, packet.source) && holdsService(rule, packet)) return rule.action
  }
  return 'drop'
}

function holdsSource(text: string, source: string): boolean {
  return text.split(',').some((part) => {
    const entry = part.trim()
    if (entry.toLowerCase() === 'any') return true
    const [address = '', length = '32'] = entry.split('/')
    return bits(address).slice(0, Number(length)) === bits(source).slice(0, Number(length))
  })
}

function holdsService(rule: FirewallRule, { protocol, port }: Packet): boolean {
  if (rule.port !== undefined) return protocol === (rule.protocol ?? 'tcp') && port === rule.port
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false
  return rule.application
    .split(',')
    .some((name) =>
      (APPLICATION_PORTS[name.trim().toLowerCase()] ?? []).some(
        (meant) =>
          (meant.protocol === 'any' || meant.protocol === protocol) &&
          (meant.ports.length === 0 || meant.ports.includes(port)),
      ),
    )
}

function bits(address: string): string {
  return address
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('')
}
