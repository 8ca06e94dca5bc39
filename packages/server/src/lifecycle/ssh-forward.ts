import { createHash } from 'node:crypto'
import { HostError } from '@berth/contract/host/host-error'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { SSH_PORT } from './guest-network.ts'
import type { Host } from './host.ts'

/** The operator's forwards listen here, where tenant rules do not reach (design "Network"). */
const SSH_FORWARD_ADDRESS = '127.0.0.1'
/** Below Linux's ephemeral ports, so that no outgoing connection of the host holds one by chance. */
const FIRST_PORT = 22_000
const PORTS = 8_000
const TRIES = 20

type Claimant = Pick<ComputeInstanceRow, 'id' | 'ssh_port'>

export function sshForwardId(instanceId: string): string {
  return `${instanceId}/ssh`
}

/**
 * Opens the instance's SSH forward: on its own port if it has one and that is free, else on another. Ports
 * are claimed by listening, so two installations on one host never share one.
 * @param taken ports that other instances have claimed, though theirs may not be open yet
 * @throws HostError when no port in a row of tries is free
 */
export async function ensureSshForward(
  host: Host,
  claimant: Claimant,
  networkKey: string,
  guestAddress: string,
  taken: ReadonlySet<number>,
): Promise<{ address: string; port: number }> {
  let failure: Error | undefined
  for (const port of candidates(claimant).filter((candidate) => !taken.has(candidate))) {
    try {
      const open = await host.network.ensureForward({
        id: sshForwardId(claimant.id),
        networkKey,
        protocol: 'tcp',
        listen: { address: SSH_FORWARD_ADDRESS, port },
        target: { address: guestAddress, port: SSH_PORT },
        gate: null,
      })
      if (!taken.has(open.port)) return open
      // It was opened before another instance claimed the port.
      await host.network.removeForward(sshForwardId(claimant.id))
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      failure = error
    }
  }
  throw failure ?? new HostError(`None of ${TRIES} ports from ${FIRST_PORT} on is free for SSH.`)
}

/** Where an instance's SSH forward may come to be. */
export function sshForwardPlaces(claimant: Claimant): { address: string; ports: readonly number[] } {
  return { address: SSH_FORWARD_ADDRESS, ports: candidates(claimant) }
}

/** The port it had, then a row of others that begins elsewhere for each instance. */
function candidates({ id, ssh_port }: Claimant): number[] {
  const start = createHash('sha256').update(id).digest().readUInt32BE(0) % PORTS
  const row = Array.from({ length: TRIES }, (_, index) => FIRST_PORT + ((start + index) % PORTS))
  return ssh_port === null ? row : [ssh_port, ...row]
}
