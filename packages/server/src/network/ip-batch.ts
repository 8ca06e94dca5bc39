import { HostError } from '@berth/contract/host/host-error'
import { runCommand } from '../host/run-command.ts'
import { addressesOf, inNamespace, type NetworkLink } from './namespace-look.ts'

/** The words of one command of `ip`, such as `link set dev br0 up`. */
export type IpLine = readonly string[]

/** Names of devices, addresses and numbers that we made or checked: nothing that `ip -batch` reads as several words. */
const WORD = /^[A-Za-z0-9_.:/-]+$/

/**
 * Runs commands of `ip` in a namespace (null: this process's own), one after the other in one process; none for none.
 * The process goes on to the last of them when the server dies.
 * @throws HostError at the first that fails; those before it have been done
 */
export async function runIp(namespace: string | null, lines: readonly IpLine[]): Promise<void> {
  if (lines.length === 0) return
  for (const word of lines.flat())
    if (!WORD.test(word))
      throw new HostError(`${JSON.stringify(word.slice(0, 80))} is no word for ip.`, { retryable: false })
  const input = lines.map((line) => `${line.join(' ')}\n`).join('')
  await runCommand('ip', [...inNamespace(namespace), '-batch', '-'], { input })
}

/** Gives a device one IPv4 address, given with its prefix length, and no other. Taking others away may take it along. */
export function addressLines(link: NetworkLink | undefined, device: string, wanted: string): IpLine[] {
  const others = addressesOf(link).filter((cidr) => cidr !== wanted)
  return [
    ...others.map((cidr) => ['address', 'delete', cidr, 'dev', device]),
    ['address', 'replace', wanted, 'dev', device],
  ]
}

export function upLine(device: string): IpLine {
  return ['link', 'set', 'dev', device, 'up']
}
