import { existsSync } from 'node:fs'
import { type AddressHolder, findHolders } from '../../network/arp-probe.ts'
import { type BridgeUplink, edgeRouterName } from '../../network/bridge-uplink.ts'
import { gatewayMac, parseGateway } from '../../network/network-names.ts'
import { readInstallationId } from '../../store/installation.ts'
import { Store } from '../../store/store.ts'
import type { Config } from '../config.ts'
import { planOf } from '../uplink.ts'
import { databaseIn } from '../state-directory.ts'
import { type Finding, missing, ok, warning } from './finding.ts'

/** How many addresses of a pool are asked for: each is a frame to the whole network, three times. */
const MOST_ASKED = 64

/** Asks the operator's network itself for the addresses that matter. Takes two seconds. */
export async function probeFindings(config: Config, uplink: BridgeUplink): Promise<Finding[]> {
  const gateway = parseGateway(uplink.gateway).address
  const asked = [gateway, uplink.edgeAddress, ...poolSample(config)]
  return judgeHolders(uplink, await findHolders(uplink, asked), await ownMac(config))
}

/**
 * What the answers mean.
 * @param own the MAC address of this installation's edge router; null before there is one
 */
export function judgeHolders(
  { bridge, gateway, edgeAddress }: BridgeUplink,
  holders: readonly AddressHolder[],
  own: string | null,
): Finding[] {
  const what = 'Public network'
  const next = parseGateway(gateway).address
  const taken = holders.filter(({ address, mac }) => address !== next && mac !== own)
  const findings = taken.map(({ address, mac }) => {
    const setting = address === edgeAddress ? 'edgeAddress' : 'publicPool'
    const remedy = `Find the device with that MAC address and give it another address, or configure another ${setting}.`
    return missing(what, `${address}, of ${setting}, is in use by ${mac}`, remedy)
  })
  if (!holders.some(({ address }) => address === next))
    findings.push(
      warning(
        what,
        `the gateway ${next} does not answer ARP on ${bridge}`,
        `Check that a port of ${bridge} leads to it, in the right VLAN, and that uplinkGateway is right.`,
      ),
    )
  return findings.length > 0
    ? findings
    : [ok(what, `the gateway ${next} answers, and nobody else has Berth’s addresses`)]
}

/** Addresses of the pool, spread over all of it. */
function poolSample(config: Config): string[] {
  const plan = planOf(config)
  const count = Math.min(plan.publicCapacity, MOST_ASKED)
  const step = plan.publicCapacity / count
  return Array.from({ length: count }, (_, index) => plan.publicAddress(Math.floor(index * step)))
}

/** The MAC address of this installation's edge router; null where STATE holds no installation. */
async function ownMac({ state }: Config): Promise<string | null> {
  const database = databaseIn(state)
  if (!existsSync(database)) return null
  const store = await Store.openExisting(database)
  try {
    const id = await readInstallationId(store.db)
    return id === undefined ? null : gatewayMac(edgeRouterName(id))
  } finally {
    await store.close()
  }
}
