import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import type { CensusEntry } from '@berth/contract/host/census'
import { UPLINK_DEVICE } from './bridge-uplink.ts'
import { BRIDGE, keyOfNamespace } from './network-names.ts'
import { listLinks } from './namespace-look.ts'
import { namespaceState } from './project-namespace.ts'
import type { RelayClient } from './relay-client.ts'
import { runCommand } from '../host/run-command.ts'

/** Everything of an installation's network that is on this host. */
export async function takeCensus(installId: string, relay: RelayClient): Promise<CensusEntry[]> {
  const namespaces = await listNamespaces(installId)
  const inside = await Promise.all(namespaces.map(({ name, key }) => lookInside(name, key)))
  const listeners = (await relay.list()).map(({ id, protocol, listen }): CensusEntry => ({
    kind: 'listener',
    name: `${protocol === 'udp' ? 'udp ' : ''}${listen.address}:${listen.port}`,
    owner: id.split('/')[0] ?? id,
  }))
  const socket: CensusEntry[] = existsSync(relay.socketPath)
    ? [{ kind: 'socket', name: relay.socketPath }]
    : []
  return [...inside.flat(), ...(await relayProcesses(installId)), ...listeners, ...socket]
}

/** The namespaces of an installation's projects, with the projects' keys. */
export async function listNamespaces(installId: string): Promise<{ name: string; key: string }[]> {
  const names = (await runCommand('ip', ['netns', 'list']))
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
  return names.flatMap((name) => {
    const key = keyOfNamespace(installId, name)
    return key === null ? [] : [{ name, key }]
  })
}

async function lookInside(namespace: string, owner: string): Promise<CensusEntry[]> {
  const entries: CensusEntry[] = [{ kind: 'namespace', name: namespace, owner }]
  try {
    if ((await namespaceState(namespace)) !== 'present') return entries
    for (const link of await listLinks(namespace)) {
      if (link.ifname === 'lo' || link.ifname === BRIDGE) continue
      const kind = link.ifname === UPLINK_DEVICE ? 'veth' : 'tap'
      entries.push({ kind, name: `${namespace}/${link.ifname}`, owner: link.ifalias ?? owner })
    }
    const text = await runCommand('ip', ['netns', 'exec', namespace, 'nft', '-j', 'list', 'tables'])
    const { nftables } = JSON.parse(text) as { nftables: { table?: { family: string; name: string } }[] }
    for (const { table } of nftables) {
      if (table === undefined) continue
      entries.push({ kind: 'nft-table', name: `${namespace}/${table.family} ${table.name}`, owner })
    }
  } catch (error) {
    // It may be removed while it is looked at.
    if ((await namespaceState(namespace)) === 'present') throw error
    return []
  }
  return entries
}

/** The supervisor and its children: their command lines carry the script's path, then the install id. */
async function relayProcesses(installId: string): Promise<CensusEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const entries = await Promise.all(
    pids.map(async (pid): Promise<CensusEntry[]> => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      const at = words.findIndex((word) => /\/relay-(supervisor|child)\.ts$/.test(word))
      if (at < 0 || words[at + 1] !== installId) return []
      const key = words[at]?.endsWith('relay-child.ts') === true ? words[at + 2] : undefined
      return [{ kind: 'process', name: pid, ...(key === undefined ? {} : { owner: key }) }]
    }),
  )
  return entries.flat()
}
