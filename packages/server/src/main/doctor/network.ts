import { randomBytes } from 'node:crypto'
import { runCommand } from '../../host/run-command.ts'
import { type Finding, missing, ok } from './finding.ts'

type Run = (file: string, args: readonly string[]) => Promise<unknown>

const SYS_ADMIN =
  'In a container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN and a writable /run/netns; else use a virtual or real machine.'

/**
 * Makes a network namespace, a bridge, a tap and a firewall table in it, as guests' networks have, and removes
 * the namespace again, whatever happened.
 */
export async function tryNetwork(run: Run = runCommand): Promise<Finding[]> {
  const name = `berth-doctor-${randomBytes(3).toString('hex')}`
  const inside = (...words: string[]) => run('ip', ['netns', 'exec', name, ...words])
  const findings: Finding[] = []
  const attempt = async (what: string, fine: string, remedy: string, work: () => Promise<unknown>) => {
    try {
      await work()
      findings.push(ok(what, fine))
    } catch (error) {
      findings.push(missing(what, (error as Error).message, remedy))
    }
    return findings.at(-1)?.state === 'ok'
  }
  try {
    const made = await attempt('Namespaces', 'a network namespace can be made', SYS_ADMIN, () =>
      run('ip', ['netns', 'add', name]),
    )
    if (!made) return findings
    await attempt('Bridges', 'a bridge and a tap work in it', 'modprobe bridge tun', async () => {
      await run('ip', ['-n', name, 'link', 'add', 'br0', 'type', 'bridge'])
      await run('ip', ['-n', name, 'tuntap', 'add', 'dev', 't0', 'mode', 'tap'])
      await run('ip', ['-n', name, 'link', 'set', 't0', 'master', 'br0'])
    })
    await attempt('Firewall', 'nftables works in it', 'modprobe nf_tables nft_ct', async () => {
      await inside('nft', 'add table inet doctor')
      await inside('nft', 'add chain inet doctor out { type filter hook postrouting priority 0; }')
      await inside('nft', 'add rule inet doctor out ct state established accept')
    })
  } finally {
    await run('ip', ['netns', 'delete', name]).catch(() => {})
  }
  return findings
}
