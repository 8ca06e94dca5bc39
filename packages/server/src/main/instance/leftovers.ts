import type { CensusEntry } from '@berth/contract/host/census'
import type { Host } from '../../lifecycle/host.ts'

/** Something that an instance has on the host, and how it is removed by hand. */
export interface Leftover {
  readonly entry: CensusEntry
  readonly removal: string
}

/** The kinds that go with a directory or a namespace, and are not removed one by one. */
const INNER_KINDS: Readonly<Partial<Record<CensusEntry['kind'], CensusEntry['kind']>>> = {
  disk: 'directory',
  socket: 'directory',
  'nft-table': 'namespace',
  tap: 'namespace',
  veth: 'namespace',
  'public-address': 'namespace',
}

/**
 * What is on the host for an instance, in the order in which it is to be removed.
 * @param networkKey of its project, when no other instance needs the project's network; else null
 */
export async function leftoversOf(
  host: Host,
  instanceId: string,
  networkKey: string | null,
): Promise<Leftover[]> {
  const census = [...(await host.driver.census()), ...(await host.network.census())]
  const own = census.filter(
    ({ kind, owner }) => owner === instanceId || (kind === 'namespace' && owner === networkKey),
  )
  const relay = census.find(({ kind, owner }) => kind === 'process' && owner === undefined)
  const kinds = own.map(({ kind }) => kind)
  const order: readonly CensusEntry['kind'][] = ['listener', 'process', 'tap', 'namespace', 'directory']
  return own
    .filter(({ kind }) => !kinds.includes(INNER_KINDS[kind] ?? kind) || INNER_KINDS[kind] === undefined)
    .toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind))
    .map((entry) => ({ entry, removal: removalOf(entry, relay?.name) }))
}

function removalOf({ kind, name }: CensusEntry, relayPid: string | undefined): string {
  const [namespace = '', inside = ''] = name.split('/')
  switch (kind) {
    case 'listener':
      return relayPid === undefined
        ? 'end the relay'
        : `kill ${relayPid} (the relay: a server that runs opens the others' ways in again)`
    case 'process':
      return `kill -9 ${name}`
    case 'tap':
    case 'veth':
      return `ip -n ${namespace} link delete ${inside}`
    case 'nft-table':
      return `ip netns exec ${namespace} nft delete table ${inside}`
    case 'public-address':
      return `berth network verify (the edge router routes ${name})`
    case 'namespace':
      return `ip netns delete ${name}`
    case 'directory':
    case 'disk':
    case 'socket':
      return `rm -r ${name}`
  }
}
