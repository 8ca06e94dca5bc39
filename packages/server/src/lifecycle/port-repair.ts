import { placementOf, type PhaseInput } from './deploy/phase.ts'
import { policyOf } from './guest-network.ts'
import type { Host } from './host.ts'
import type { Happening } from './instance-writes.ts'
import { guestPort, projectNetwork } from './machine-spec.ts'
import { tenantWords } from './network-review.ts'

/**
 * Makes the guest's place on the network again where something of it is missing or different on the host.
 * @returns what was, as the tenant is told of it
 */
export async function repairPort(host: Host, input: PhaseInput, adopted: boolean): Promise<string[]> {
  const { row, settings } = input
  const { project, address } = placementOf(input)
  const network = projectNetwork(host, project)
  const port = guestPort(host, row.id, address)
  const policy = policyOf(host.plan, settings, input.places)
  const differences = await host.network.portDifferences(network, port, policy)
  if (differences.length === 0 && adopted) return []
  await host.projectLocks.run(network.key, async () => {
    await host.network.ensureProject(network)
    await host.network.ensurePort(network, port, policy)
  })
  return tenantWords(differences)
}

/** @param found what was made again, as `repairPort` says it */
export function networkRepaired(found: readonly string[]): Happening {
  return {
    type: 'network-repaired',
    message: `The host had lost or changed ${found.join(', ')}; it was made again.`,
  }
}
