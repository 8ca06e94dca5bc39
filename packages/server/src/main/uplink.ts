import { LOOPBACK_REACH, routedReach, type NetworkReach } from '@berth/contract/network-reach'
import { LOOPBACK_EDGE, NetworkPlan } from '../lifecycle/network-plan.ts'
import type { BridgeUplink } from '../network/bridge-uplink.ts'
import { ConfigError, type Config } from './config.ts'

/** Settings that mean something on the bridge uplink only, with the value that stands for "not set". */
const BRIDGE_ONLY = {
  uplinkBridge: '',
  uplinkNamespace: '',
  uplinkGateway: '',
  guestEgress: 'off',
  guestNameservers: '',
} as const

/** The bridge that the configuration names; null on the loopback uplink. @throws ConfigError naming the setting */
export function uplinkOf(config: Config): BridgeUplink | null {
  const { uplink, uplinkBridge, uplinkNamespace, uplinkGateway, edgeAddress, guestEgress } = config
  if (uplink === 'loopback') {
    for (const [name, unset] of Object.entries(BRIDGE_ONLY)) {
      if (config[name as keyof typeof BRIDGE_ONLY] !== unset)
        throw new ConfigError(
          `${name}: the loopback uplink has no such thing. Leave it out, or set uplink to bridge.`,
        )
    }
    return null
  }
  if (uplinkBridge === '')
    throw new ConfigError(
      'uplinkBridge: the bridge uplink needs the name of a bridge (flag --uplink-bridge, variable BERTH_UPLINK_BRIDGE).',
    )
  return {
    bridge: uplinkBridge,
    namespace: uplinkNamespace === '' ? null : uplinkNamespace,
    gateway: uplinkGateway,
    edgeAddress,
    guestEgress: guestEgress === 'on',
  }
}

/** What guests reach and are reached from. @throws ConfigError naming the setting */
export function reachOf(config: Config): NetworkReach {
  const uplink = uplinkOf(config)
  if (uplink === null) return LOOPBACK_REACH
  return routedReach(uplink.guestEgress, planOf(config).guestNameservers.length > 0)
}

/** @throws ConfigError naming what does not fit */
export function planOf(config: Config): NetworkPlan {
  const { guestNetwork, publicPool, edgeAddress } = config
  const uplink = uplinkOf(config)
  const loopback = [publicPool, edgeAddress].filter((address) => address.startsWith('127.'))
  if (uplink === null && loopback.length < 2) {
    throw new ConfigError(
      'publicPool and edgeAddress must be loopback addresses, of 127.0.0.0/8, unless uplink is bridge.',
    )
  }
  if (
    uplink !== null &&
    [LOOPBACK_EDGE.publicPool, LOOPBACK_EDGE.address].some((it) => loopback.includes(it))
  ) {
    throw new ConfigError(
      'publicPool and edgeAddress: the bridge uplink needs addresses of the public network (flags --public-pool, --edge-address).',
    )
  }
  const nameservers = config.guestNameservers.split(',').map((part) => part.trim())
  const edge = uplink && {
    gateway: uplink.gateway,
    guestNameservers: nameservers.filter((part) => part !== ''),
  }
  try {
    return new NetworkPlan(guestNetwork, { publicPool, address: edgeAddress, uplink: edge })
  } catch (error) {
    const flags = '--guest-network, --public-pool, --edge-address, --uplink-gateway, --guest-nameservers'
    throw new ConfigError(`${error instanceof Error ? error.message : 'not a network'} (flags ${flags}).`)
  }
}
