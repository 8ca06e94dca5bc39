import { HostError } from '@berth/contract/host/host-error'
import type { BootImage, MachineSpec } from '../drivers/machine-driver.ts'
import type { GuestPort, ProjectNetwork } from '../network/network-driver.ts'
import type { GuestAccess, PublishedSettings } from '../store/published-settings.ts'
import type { GuestAddressRow, ProjectRow } from '../store/schema.ts'
import type { Host } from './host.ts'
import { GATEWAY_NUMBER } from './network-plan.ts'

/** What the rows say of one instance, all that a host needs to be told. */
export interface Placement {
  readonly id: string
  readonly name: string
  readonly project: ProjectRow
  readonly address: GuestAddressRow
  readonly settings: PublishedSettings
  /** What the seed tells the guest of who may log in. */
  readonly access: GuestAccess
}

export function projectNetwork(host: Host, project: ProjectRow): ProjectNetwork {
  return {
    key: project.network_key,
    gateway: host.plan.withPrefix(GATEWAY_NUMBER),
    number: project.number,
  }
}

export function guestPort(host: Host, instanceId: string, address: GuestAddressRow): GuestPort {
  return {
    instanceId,
    tap: `g${address.number}`,
    mac: address.mac,
    address: host.plan.address(address.number),
  }
}

/** @throws HostError when the host lacks the image */
export async function imageFor(host: Host, settings: PublishedSettings): Promise<BootImage> {
  const image = await host.findImage(settings.guestImage)
  if (image) return image
  throw new HostError(
    `The guest image "${settings.guestImage}" is not on this host; its operator can add it.`,
    {
      remedy: `berth image build ${settings.guestImage}, or berth image import ${settings.guestImage} FILE`,
    },
  )
}

export function machineSpec(
  host: Host,
  placement: Placement,
  image: BootImage,
  containerDisk: string | undefined,
): MachineSpec {
  const { settings, access, address, project } = placement
  const port = guestPort(host, placement.id, address)
  return {
    id: placement.id,
    vcpus: settings.vcpus,
    memoryMib: settings.memoryMib,
    diskGib: settings.diskGib,
    image,
    nic: {
      namespace: host.network.namespaceOf(project.network_key),
      tap: port.tap,
      mac: port.mac,
      address: host.plan.withPrefix(address.number),
      gateway: host.plan.address(GATEWAY_NUMBER),
      nameservers: host.plan.guestNameservers,
    },
    identity: {
      hostname: placement.name,
      user: image.defaultUser,
      sshKeys: access.sshKeys,
      ...(access.password === '' ? {} : { password: access.password }),
    },
    ...(containerDisk === undefined ? {} : { containerDisk }),
  }
}
