import type { PortForward } from '@berth/contract/network-rules'
import type { PortForwardPlace } from '@berth/contract/vm-output'
import type { Transport } from '../network/guest-policy.ts'
import { PlaceTakenError, type OpenForward } from '../network/network-driver.ts'
import { claimExternalPort, moveExternalPort, releaseExternalPort } from '../store/external-ports.ts'
import { claimPublicAddress, movePublicAddress, releasePublicAddress } from '../store/public-addresses.ts'
import type { Tx } from '../store/store.ts'
import type { WaysIn } from '../store/ways-in.ts'
import type { PhaseInput } from './deploy/phase.ts'
import { placementOf } from './deploy/phase.ts'
import {
  forwardTargets,
  policyOf,
  publicClaimId,
  rowLeadsTo,
  SSH_PORT,
  wantedWays,
  type WantedWay,
} from './guest-network.ts'
import type { Host } from './host.ts'
import { ensureSshForward, sshForwardId } from './ssh-forward.ts'

/** How opening an instance's ways in ended. */
export interface OpenedWays {
  readonly ssh: { readonly address: string; readonly port: number }
  readonly waysIn: WaysIn
  /** A place that somebody else on the host has and that the instance never had: it takes another. */
  readonly moving: WantedWay | undefined
  /** Why single ports of the public address are not open, for a person to read. */
  readonly problems: readonly string[]
  /** The ids of what was not open although it was once. */
  readonly reopened: readonly string[]
}

/**
 * Brings the relay to what the settings ask for: first what must not be open any more is closed, then the rest
 * is opened, or given its present rules.
 * @throws HostError when a place that the instance already had is somebody else's now
 */
export async function ensureWaysIn(host: Host, input: PhaseInput): Promise<OpenedWays> {
  const { project, address, id } = placementOf(input)
  const guestAddress = host.plan.address(address.number)
  const owner = { id, networkKey: project.network_key, guestAddress }
  const wanted = wantedWays(host, owner, input.settings, input.places)
  const open = await host.network.forwardsOf(id)
  for (const forward of open) {
    const stays = forward.id === sshForwardId(id) || wanted.some((way) => way.forward.id === forward.id)
    if (!stays) await host.network.removeForward(forward.id)
  }
  const ssh = await ensureSshForward(host, input.row, project.network_key, guestAddress, input.othersSshPorts)
  const opened: WantedWay[] = []
  const problems: string[] = []
  let moving: WantedWay | undefined
  for (const way of wanted) {
    try {
      await host.network.ensureForward(way.forward)
      opened.push(way)
    } catch (error) {
      if (!(error instanceof PlaceTakenError)) throw error
      const portOnly = 'publicAddress' in way.at && way.forward.target !== null
      if (portOnly) problems.push(error.message)
      else if (isClaimed(way)) throw error
      else moving = way
      // Without its claim the address is not the instance's, and nothing listens there.
      if (moving) break
    }
  }
  return {
    ssh,
    waysIn: host.plan.routed ? routedWaysIn(host, input) : waysInFrom(input, wanted, opened),
    moving,
    problems,
    reopened: reopenedOf(opened, open),
  }
}

/** Writes down what is the instance's for good, and gives back what it does not use any more. */
export async function settlePlaces(tx: Tx, { row, settings, places }: PhaseInput): Promise<void> {
  const targets = forwardTargets(settings.portForwards)
  for (const port of places.externalPorts) {
    if (!targets.some((target) => rowLeadsTo(port, target))) await releaseExternalPort(tx, port)
    else if (port.claimed === 0) await claimExternalPort(tx, port)
  }
  if (!settings.publicIp) await releasePublicAddress(tx, row.id)
  else if (places.publicAddress?.claimed === 0) await claimPublicAddress(tx, row.id)
}

/** Gives a way in another place, to be tried next. */
export async function moveWay(tx: Tx, host: Host, { at }: WantedWay): Promise<void> {
  if ('publicAddress' in at) await movePublicAddress(tx, at.publicAddress, host.plan.publicCapacity)
  else await moveExternalPort(tx, at.externalPort)
}

function isClaimed({ at }: WantedWay): boolean {
  return ('publicAddress' in at ? at.publicAddress.claimed : at.externalPort.claimed) === 1
}

function reopenedOf(opened: readonly WantedWay[], open: readonly OpenForward[]): string[] {
  return opened
    .filter((way) => isClaimed(way) && !open.some(({ id }) => id === way.forward.id))
    .map(({ forward }) => forward.id.slice(forward.id.indexOf('/') + 1))
}

/** The ways in that packets are routed by: they are there once the guest's port is. */
function routedWaysIn({ plan }: Host, { settings, places }: PhaseInput): WaysIn {
  const { ways } = policyOf(plan, settings, places)
  const placeOf = (protocol: Transport, internalPort: number) => {
    const forward = ways.forwards.find(
      (candidate) => candidate.protocol === protocol && candidate.internalPort === internalPort,
    )
    return forward && { address: plan.edgeAddress, port: forward.port }
  }
  const atPublicAddress = ways.publicAddress === null ? null : { address: ways.publicAddress, port: SSH_PORT }
  return {
    publicAddress: ways.publicAddress ?? '',
    forwards: forwardPlaces(settings.portForwards, placeOf),
    ssh: atPublicAddress ?? placeOf('tcp', SSH_PORT) ?? null,
    beyondHost: true,
  }
}

function waysInFrom(
  { row, settings }: PhaseInput,
  wanted: readonly WantedWay[],
  opened: readonly WantedWay[],
): WaysIn {
  const find = (ways: readonly WantedWay[], name: string) =>
    ways.find(({ forward }) => forward.id === `${row.id}/${name}`)?.forward
  const forwards = forwardPlaces(
    settings.portForwards,
    (protocol, internalPort) => find(opened, `forward-${protocol}-${internalPort}`)?.listen,
  )
  const claim = opened.find(({ forward }) => forward.id === publicClaimId(row.id))
  const publicAddress = claim?.forward.listen.address ?? ''
  const publicSsh = `public-tcp-${SSH_PORT}`
  // Where a program of the host has the port, it is not the guest that answers there.
  const isHosts = find(wanted, publicSsh) !== undefined && find(opened, publicSsh) === undefined
  const atPublicAddress = publicAddress === '' || isHosts ? null : { address: publicAddress, port: SSH_PORT }
  const forwarded = find(opened, `forward-tcp-${SSH_PORT}`)?.listen ?? null
  return { publicAddress, forwards, ssh: atPublicAddress ?? forwarded }
}

/** Where each forward answers, as people read it; those that are not open are left out. */
function forwardPlaces(
  forwards: readonly PortForward[],
  placeOf: (
    protocol: Transport,
    internalPort: number,
  ) => { readonly address: string; readonly port: number } | undefined,
): PortForwardPlace[] {
  return forwards.flatMap((forward) => {
    const { application = '', protocol = 'tcp', internal_port: internalPort, source } = forward
    const place = placeOf(protocol, internalPort)
    return place ? [{ application, protocol, ...place, internalPort, source }] : []
  })
}
