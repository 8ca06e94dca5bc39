import { isIPv4 } from 'node:net'
import { readGate, type Gate } from './gate.ts'

/**
 * What servers and the relay of one installation say to each other: over the unix socket, one JSON line
 * asks and one JSON line answers, then the connection ends.
 *
 * The relay outlives the servers that start it, so a newer server may meet an older relay, or the other
 * way round. `ping`, `stop-if-idle` and `drain` keep their meaning in every version. A server that meets
 * another version first says `stop-if-idle`, and starts its own relay if that one went. If it forwards
 * something, it stays in use as long as its version is at least RELAY_OLDEST and not above RELAY_VERSION.
 * Otherwise it is told to `drain`: it stops listening, gives way to a new relay at once, and
 * carries the connections it has until they end.
 */
export const RELAY_VERSION = 2

/** The oldest version whose `ensure`, `remove` and `list` this code can use. */
export const RELAY_OLDEST = 2

/** Bytes of one line; longer ones end the connection. A gate has at most about as many bytes as a request to the API. */
export const RELAY_MAX_LINE = 8 * 1024 * 1024

export interface RelayPlace {
  readonly address: string
  readonly port: number
}

/** A forward as the relay keeps it. `listen.port` 0 asks for any free port. */
export interface RelayForward {
  readonly id: string
  readonly networkKey: string
  readonly namespace: string
  readonly protocol: 'tcp' | 'udp'
  readonly listen: RelayPlace
  /** Null: the place is only kept from others; whoever connects is hung up on. */
  readonly target: RelayPlace | null
  /** Who may use it. */
  readonly gate: Gate | null
}

/** A forward as the relay lists it: with the port it listens on. */
export type RelayOpenForward = Omit<RelayForward, 'gate'>

export type RelayRequest =
  | { readonly op: 'ping' }
  | { readonly op: 'ensure'; readonly forward: RelayForward }
  | { readonly op: 'remove'; readonly id: string }
  /** `prefix`: of the ids that are asked for; absent: of all. A relay from before it was lists all. */
  | { readonly op: 'list'; readonly prefix?: string }
  | { readonly op: 'stop-if-idle' }
  | { readonly op: 'drain' }

/** Every answer; which members are there depends on the request. */
export type RelayResponse =
  | {
      readonly ok: true
      /** `ping`: what the relay speaks, and who it is. */
      readonly version?: number
      readonly pid?: number
      /** `ensure`: where the forward listens now. */
      readonly listen?: RelayPlace
      /** `list`: every forward that was asked for. */
      readonly forwards?: readonly RelayOpenForward[]
      /** `stop-if-idle`: whether the relay is about to exit. */
      readonly stopping?: boolean
    }
  | {
      readonly ok: false
      /** A system error code such as EADDRINUSE, or one of `taken` (by another forward), `invalid`, `leaving`, `failed`. */
      readonly code: string
      readonly message: string
    }

/** What a server does about a relay that speaks `version`; `forwards` is whether that relay forwards something. */
export function judgeRelay(version: number, forwards: boolean): 'use' | 'replace' | 'drain' {
  if (version === RELAY_VERSION) return 'use'
  if (!forwards) return 'replace'
  return version >= RELAY_OLDEST && version < RELAY_VERSION ? 'use' : 'drain'
}

/** Reads one request. Throws an Error that says what is wrong with it. */
export function parseRequest(line: string): RelayRequest {
  const request = parseObject(line)
  switch (request.op) {
    case 'list':
      if (request.prefix === undefined) return { op: 'list' }
      return { op: 'list', prefix: readText(request.prefix, 'prefix', /^[\x21-\x7e]{1,200}$/) }
    case 'ping':
    case 'stop-if-idle':
    case 'drain':
      return { op: request.op }
    case 'remove':
      return { op: 'remove', id: readText(request.id, 'id', /^[\x21-\x7e]{1,200}$/) }
    case 'ensure':
      return { op: 'ensure', forward: readForward(request.forward) }
    default:
      throw new Error(`unknown request ${JSON.stringify(request.op)?.slice(0, 40)}`)
  }
}

/** Reads one answer. Throws an Error when it is none. */
export function parseResponse(line: string): RelayResponse {
  const response = parseObject(line)
  if (response.ok === false) {
    return { ok: false, code: String(response.code), message: String(response.message).slice(0, 1000) }
  }
  if (response.ok !== true) throw new Error('not an answer of the relay')
  return response as RelayResponse
}

/** Whether an address is one of the host's IPv4 loopback addresses, 127.0.0.0/8. */
export function isLoopback(address: string): boolean {
  return isIPv4(address) && address.startsWith('127.')
}

function readForward(value: unknown): RelayForward {
  const forward = asObject(value, 'forward')
  const networkKey = readText(forward.networkKey, 'networkKey', /^[a-z0-9]{1,8}$/)
  const namespace = readText(forward.namespace, 'namespace', /^berth-[a-z0-9]{6}-[a-z0-9]{1,8}$/)
  if (!namespace.endsWith(`-${networkKey}`)) throw new Error('namespace is not that of networkKey')
  const listen = readPlace(forward.listen, 'listen', 0)
  if (!isLoopback(listen.address)) throw new Error('listen.address is not a loopback address')
  const target = forward.target === null ? null : readPlace(forward.target, 'target', 1)
  const { protocol } = forward
  if (protocol !== 'tcp' && protocol !== 'udp') throw new Error('protocol is neither tcp nor udp')
  if (target === null && protocol === 'udp') throw new Error('only a TCP place can be kept')
  const id = readText(forward.id, 'id', /^[\x21-\x7e]{1,200}$/)
  return { id, networkKey, namespace, protocol, listen, target, gate: readGate(forward.gate) }
}

function readPlace(value: unknown, name: string, lowest: number): RelayPlace {
  const { address, port } = asObject(value, name)
  if (typeof address !== 'string' || !isIPv4(address))
    throw new Error(`${name}.address is not an IPv4 address`)
  if (typeof port !== 'number' || !Number.isInteger(port) || port < lowest || port > 65_535) {
    throw new Error(`${name}.port is not a port`)
  }
  return { address, port }
}

function readText(value: unknown, name: string, rule: RegExp): string {
  if (typeof value !== 'string' || !rule.test(value)) throw new Error(`${name} is malformed`)
  return value
}

function parseObject(line: string): Record<string, unknown> {
  return asObject(JSON.parse(line), 'line')
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name} is not an object`)
  }
  return value as Record<string, unknown>
}
