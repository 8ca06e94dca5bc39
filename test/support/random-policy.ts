import * as fc from 'fast-check'
import type { FirewallRule } from '@berth/contract/network-rules'

/** Addresses that share prefixes of several lengths, for packets and rules to meet and to miss each other. */
export const SOURCES = [
  '198.18.0.1',
  '198.18.0.2',
  '198.18.0.3',
  '198.18.0.130',
  '198.18.1.1',
  '198.18.7.77',
  '198.18.128.1',
  '198.19.0.1',
  '198.19.255.254',
]

/** Ports of which some belong to applications. */
export const PORTS = [22, 53, 80, 123, 443, 514, 8080, 51_820]

const source = fc.oneof(
  { weight: 1, arbitrary: fc.constant('any') },
  { weight: 3, arbitrary: fc.constantFrom(...SOURCES) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...SOURCES), fc.integer({ min: 12, max: 32 }))
      .map(([address, length]) => `${address}/${length}`),
  },
)
const applications = fc
  .uniqueArray(fc.constantFrom('ssh', 'dns', 'http', 'https', 'ntp', 'syslog', 'wireguard', 'icmp', 'any'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((names) => names.join(', '))

/** Any firewall rule over SOURCES and PORTS. */
export const firewallRule: fc.Arbitrary<FirewallRule> = fc
  .tuple(
    fc.array(source, { minLength: 1, maxLength: 4 }).map((entries) => entries.join(', ')),
    fc.constantFrom('allow' as const, 'drop' as const),
    applications,
    fc.option(fc.constantFrom(...PORTS), { nil: undefined }),
    fc.option(fc.constantFrom('tcp' as const, 'udp' as const), { nil: undefined }),
  )
  .map(([source_cidr, action, application, port, protocol]) => ({
    source_cidr,
    action,
    application,
    ...(port === undefined ? {} : { port }),
    ...(protocol === undefined ? {} : { protocol }),
  }))
