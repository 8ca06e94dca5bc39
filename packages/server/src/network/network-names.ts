import { createHash } from 'node:crypto'
import { BlockList, isIPv4 } from 'node:net'
import { HostError } from '@berth/contract/host/host-error'
import { parseIpv4Network, type Ipv4Network } from '@berth/contract/ipv4-network'
import type { GuestPort, ProjectNetwork } from './network-driver.ts'

/** The bridge of every project: each lives in its own namespace, so one name serves all. */
export const BRIDGE = 'br0'

const INSTALL_ID = /^[a-z0-9]{6}$/
const KEY = /^[a-z0-9]{1,8}$/
const TAP = /^g[a-z0-9-]{1,14}$/
const INSTANCE_ID = /^[A-Za-z0-9-]{1,64}$/
/** Lower case, and a unicast address: the lowest bit of the first byte is 0 (IEEE 802). */
const MAC = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/

/** What every namespace of an installation starts with. Throws a HostError for a malformed install id. */
export function namespacePrefix(installId: string): string {
  if (!INSTALL_ID.test(installId)) throw invalid('install id', installId, 'six characters of a-z and 0-9')
  return `berth-${installId}-`
}

/** The namespace of a project. Throws a HostError for a malformed key. */
export function namespaceName(installId: string, key: string): string {
  if (!KEY.test(key)) throw invalid('network key', key, 'one to eight characters of a-z and 0-9')
  return namespacePrefix(installId) + key
}

/** The project's key in a namespace's name, or null when the name belongs to somebody else. */
export function keyOfNamespace(installId: string, namespace: string): string | null {
  const prefix = namespacePrefix(installId)
  const key = namespace.startsWith(prefix) ? namespace.slice(prefix.length) : ''
  return KEY.test(key) ? key : null
}

/** The MAC address of a namespace's gateway: locally administered, and the same after every reboot of the host. */
export function gatewayMac(namespace: string): string {
  return macOf('02', namespace)
}

/**
 * The MAC address of a device that is to be a port of the operator's bridge. A bridge that was given none takes the
 * lowest of its ports', so ours are high: it keeps its own as they come and go.
 */
export function bridgePortMac(device: string): string {
  return macOf('fe', device)
}

function macOf(first: string, name: string): string {
  const digest = createHash('sha256').update(name).digest()
  return [first, ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
}

/** Splits `10.64.0.1/20`. Throws a HostError when it is no IPv4 address with a prefix of 8 to 30. */
export function parseGateway(gateway: string): Ipv4Network {
  const given = parseIpv4Network(gateway)
  if (given === undefined || given.prefix < 8 || given.prefix > 30)
    throw invalid('gateway', gateway, 'an IPv4 address with a prefix length of 8 to 30')
  return given
}

/** Throws a HostError unless every part of the port is well formed and its address is a guest's on the network. */
export function checkGuestPort(network: ProjectNetwork, port: GuestPort): void {
  checkPortName(port)
  const { address, prefix } = parseGateway(network.gateway)
  const subnet = new BlockList()
  subnet.addSubnet(address, prefix, 'ipv4')
  if (!subnet.check(port.address, 'ipv4') || port.address === address) {
    throw invalid('guest address', port.address, `an address of ${network.gateway} other than the gateway's`)
  }
}

/** Throws a HostError unless the port's names and addresses are well formed. */
export function checkPortName(port: GuestPort): void {
  if (!TAP.test(port.tap)) throw invalid('tap name', port.tap, '`g` and up to 14 of a-z, 0-9 and -')
  if (!MAC.test(port.mac)) throw invalid('MAC address', port.mac, 'a lower-case unicast MAC address')
  if (!isIPv4(port.address)) throw invalid('guest address', port.address, 'an IPv4 address')
  if (!INSTANCE_ID.test(port.instanceId)) throw invalid('instance id', port.instanceId, 'a UUID')
}

function invalid(what: string, value: string, rule: string): HostError {
  return new HostError(`The ${what} ${JSON.stringify(value.slice(0, 80))} is not ${rule}.`, {
    retryable: false,
  })
}
