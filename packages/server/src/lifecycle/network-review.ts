import type { CensusEntry } from '@berth/contract/host/census'
import { differencesOf, type NetworkDifference } from '../network/network-difference.ts'
import type { OpenForward } from '../network/network-driver.ts'
import type { PlacedGuest } from '../store/placed-guests.ts'
import type { PublishedSettings } from '../store/published-settings.ts'
import { policyOf, wantedWays, type Places } from './guest-network.ts'
import type { Host } from './host.ts'
import { guestPort, projectNetwork } from './machine-spec.ts'
import { sshForwardId } from './ssh-forward.ts'

/** A placed guest with all that its network follows from. */
export interface ReviewedGuest extends PlacedGuest {
  readonly settings: PublishedSettings
  readonly places: Places
}

/** What of a guest's network on the host is not what the database asks for; none: all is well. */
export async function guestDifferences(host: Host, guest: ReviewedGuest): Promise<NetworkDifference[]> {
  const { row, project, address, settings, places } = guest
  const network = projectNetwork(host, project)
  const port = guestPort(host, row.id, address)
  const policy = policyOf(host.plan, settings, places)
  const differences = await host.network.portDifferences(network, port, policy)
  const owner = { id: row.id, networkKey: network.key, guestAddress: port.address }
  const wanted = wantedWays(host, owner, settings, places).map(({ forward }) => forward)
  const open = (await host.network.forwardsOf(row.id)).filter(({ id }) => id !== sshForwardId(row.id))
  const missing = wanted.filter((forward) => !open.some((other) => placeText(other) === placeText(forward)))
  const surplus = open.filter((forward) => !wanted.some((other) => placeText(other) === placeText(forward)))
  return [
    ...differences,
    ...differencesOf('guest', [
      ...missing.map((forward) => `not open: ${placeText(forward)}`),
      ...surplus.map((forward) => `open without reason: ${placeText(forward)}`),
    ]),
  ]
}

/** What is said to a guest's tenant for a difference that is not only that guest's; null: nothing. */
const SAID_TO_TENANTS = {
  project: 'the project’s network',
  edge: 'the way to the public network',
  host: null,
} as const

/** Differences as a guest's tenant is told of them: what is shared with others in one phrase, each once. */
export function tenantWords(differences: readonly NetworkDifference[]): string[] {
  const words = differences.map(({ of, what }) => (of === 'guest' ? what : SAID_TO_TENANTS[of]))
  return [...new Set(words.filter((word) => word !== null))]
}

/** What is on the host's network for nobody: its owner is neither an instance nor a project with guests. */
export function leftovers(census: readonly CensusEntry[], guests: readonly PlacedGuest[]): CensusEntry[] {
  const owners = new Set(guests.flatMap(({ row, project }) => [row.id, project.network_key]))
  return census.filter(({ owner }) => owner !== undefined && !owners.has(owner))
}

/** A forward as people read it, such as `tcp 127.0.0.1:30001 -> 10.64.0.5:80`. */
export function placeText({ protocol, listen, target }: OpenForward): string {
  const to = target === null ? 'kept' : `${target.address}:${target.port}`
  return `${protocol} ${listen.address}:${listen.port} -> ${to}`
}
