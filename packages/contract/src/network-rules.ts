import ipaddr from 'ipaddr.js'
import Type, { type TSchema } from 'typebox'
import Value from 'typebox/value'
import { ApiError } from './api-error.ts'
import { APPLICATION_PORTS, applicationNames } from './application-ports.ts'
import { isIpv4Address, parseIpv4Network, withoutLeadingZeros } from './ipv4-network.ts'

/** The most rules, or forwards, that one object carries. */
export const MAX_NETWORK_RULES = 256
const MAX_SOURCES = 256

const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
const Protocol = Type.Enum(['tcp', 'udp'])

/** An ingress firewall rule (guide, "Ingress Firewall Rules Schema"). The first that matches decides. */
export const FirewallRule = Type.Object({
  source_cidr: Type.String({ maxLength: 8192 }),
  action: Type.Enum(['allow', 'drop']),
  application: Type.String({ maxLength: 1024 }),
  port: Type.Optional(Port),
  protocol: Type.Optional(Protocol),
})
export type FirewallRule = Type.Static<typeof FirewallRule>

/** A port that the edge passes on to the guest (guide, "Port Forwarding Schema"). */
export const PortForward = Type.Object({
  source: Type.String({ maxLength: 8192 }),
  application: Type.Optional(Type.String({ maxLength: 1024 })),
  internal_port: Port,
  protocol: Type.Optional(Protocol),
})
export type PortForward = Type.Static<typeof PortForward>

/**
 * Reads the text of a firewall variable; "[]" is no rules.
 * @param field the variable's name, for the error
 * @throws ApiError 400 naming variable, rule and member
 */
export function parseFirewallRules(field: string, text: string): FirewallRule[] {
  return parseArray(field, text, FirewallRule, (rule, path) => {
    parseSources(`${path}.source_cidr`, rule.source_cidr)
    if (rule.port !== undefined) return
    const names = applicationNames(rule.application)
    const unknown = names.filter((name) => !Object.hasOwn(APPLICATION_PORTS, name))
    if (names.length === 0 || unknown.length > 0) {
      const what =
        names.length === 0
          ? 'must name an application'
          : `${JSON.stringify(unknown.join(', ').slice(0, 80))} is not known`
      throw ApiError.invalid(
        `${path}.application`,
        `${what}; give a port, or use one of ${Object.keys(APPLICATION_PORTS).join(', ')}`,
      )
    }
  })
}

/**
 * Reads the text of a port forwards variable; "[]" is none.
 * @throws ApiError 400 naming variable, forward and member
 */
export function parsePortForwards(field: string, text: string): PortForward[] {
  return parseArray(field, text, PortForward, (forward, path) => {
    parseSources(`${path}.source`, forward.source)
  })
}

/**
 * The IPv4 networks that a source means; "any" is all of them.
 * @returns `address/prefix` each
 * @throws ApiError 400 naming the entry
 */
export function parseSources(field: string, text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.length > MAX_SOURCES)
    throw ApiError.invalid(field, `holds ${entries.length} sources; at most ${MAX_SOURCES} are taken`)
  return entries.map((entry) => {
    if (entry.toLowerCase() === 'any') return '0.0.0.0/0'
    const network = networkOf(entry)
    if (network) return network
    const shown = JSON.stringify(entry.slice(0, 60))
    if (ipaddr.IPv6.isValid(entry.split('/')[0] ?? '')) {
      throw ApiError.invalid(field, `${shown} is an IPv6 source; only IPv4 is served`)
    }
    const spelled = withoutLeadingZeros(entry)
    if (spelled) throw ApiError.invalid(field, `${shown} has leading zeros; write ${spelled}`)
    throw ApiError.invalid(
      field,
      `${shown} is no source; use "any", an IPv4 address, or a network such as 10.0.0.0/8, separated by commas`,
    )
  })
}

/** `address/prefix` with the host bits cleared; undefined when the text is no IPv4 address or network. */
function networkOf(entry: string): string | undefined {
  if (isIpv4Address(entry)) return `${entry}/32`
  const network = parseIpv4Network(entry)
  return network && `${ipaddr.IPv4.networkAddressFromCIDR(entry).toString()}/${network.prefix}`
}

function parseArray<Schema extends TSchema>(
  field: string,
  text: string,
  schema: Schema,
  check: (item: Type.Static<Schema>, path: string) => void,
): Type.Static<Schema>[] {
  const items = jsonArray(field, text)
  if (items.length > MAX_NETWORK_RULES) {
    throw ApiError.invalid(field, `holds ${items.length} entries; at most ${MAX_NETWORK_RULES} are taken`)
  }
  return items.map((item, index) => {
    const path = `${field}[${index}]`
    if (!Value.Check(schema, item)) {
      const [error] = Value.Errors(schema, item)
      const missing = (error?.params as { requiredProperties?: string[] } | undefined)?.requiredProperties
      const member = missing?.[0] ? `.${missing[0]}` : (error?.instancePath ?? '').replaceAll('/', '.')
      throw ApiError.invalid(path + member, missing ? 'is required' : problemOf(error))
    }
    check(item, path)
    return item
  })
}

function jsonArray(field: string, text: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw ApiError.invalid(field, 'must be JSON text: an array of rules, "[]" for none')
  }
  if (!Array.isArray(value)) throw ApiError.invalid(field, 'must be a JSON array, "[]" for none')
  return value
}

/** The validator's words, with the values it leaves out. */
function problemOf(error: { keyword: string; message: string; params: object } | undefined): string {
  const { allowedValues } = (error?.params ?? {}) as { allowedValues?: readonly unknown[] }
  if (error?.keyword === 'enum' && allowedValues) return `must be one of ${allowedValues.join(', ')}`
  return error?.message ?? 'is not valid'
}
