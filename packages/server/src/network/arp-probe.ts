import { randomBytes } from 'node:crypto'
import type { BridgeUplink } from './bridge-uplink.ts'
import { addressHex, macText, PROBER } from './arp-prober.ts'
import { runIp, upLine } from './ip-batch.ts'
import { linkOf, listLinks } from './namespace-look.ts'
import { bridgePortMac } from './network-names.ts'
import { withScratchNamespace } from './scratch-namespace.ts'

const BROADCAST = 'f'.repeat(12)

/** Somebody who says to have an address. */
export interface AddressHolder {
  readonly address: string
  /** The MAC address, such as `02:00:00:00:00:05`. */
  readonly mac: string
}

/**
 * Who on the operator's network has the addresses. Takes two seconds, by a port of the bridge that is gone afterwards;
 * should this process die, it goes half a minute later.
 */
export async function findHolders(
  { bridge, namespace }: Pick<BridgeUplink, 'bridge' | 'namespace'>,
  addresses: readonly string[],
): Promise<AddressHolder[]> {
  const port = `berth-d-${randomBytes(3).toString('hex')}`
  return withScratchNamespace(async (exec, pid) => {
    const peer = ['peer', 'name', 'probe', 'netns', String(pid)]
    try {
      await runIp(namespace, [
        ['link', 'add', 'name', port, 'address', bridgePortMac(port), 'type', 'veth', ...peer],
        ['link', 'set', 'dev', port, 'addrgenmode', 'none'],
        ['link', 'set', 'dev', port, 'master', bridge],
        upLine(port),
      ])
      await exec('ip', ['link', 'set', 'dev', 'probe', 'addrgenmode', 'none', 'up'], '')
      const words = ['probe', BROADCAST, 'all', ...addresses.map(addressHex)]
      const answers = await exec('perl', ['-e', PROBER, ...words], '')
      return answers
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [address, mac = ''] = line.split(' ')
          const found = addresses.find((each) => addressHex(each) === address) ?? ''
          return { address: found, mac: macText(mac) }
        })
    } finally {
      if (linkOf(await listLinks(namespace), port)) await runIp(namespace, [['link', 'delete', 'dev', port]])
    }
  })
}
