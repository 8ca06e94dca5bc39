import { HostError } from '@berth/contract/host/host-error'
import type { PublishedSettings } from '../store/published-settings.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Host } from './host.ts'

/** What a service's image reference meant when its machine was last prepared to start. */
interface PreparedImage {
  readonly reference: string
  readonly digest: string
  readonly imageId: string
}

type Prepared = Pick<ComputeInstanceRow, 'container_image'>

export function preparedImage(row: Prepared): PreparedImage | null {
  return row.container_image === null ? null : (JSON.parse(row.container_image) as PreparedImage)
}

/** The image that a machine needs beside its guest's; null where it runs no application. */
export function wantedImage({ application }: PublishedSettings): string | null {
  return application?.enabled === true ? application.image : null
}

/** How far the machine's container image is. What its reference meant before, it means until another is asked for. */
export async function fetchContainerImage(host: Host, row: Prepared, reference: string) {
  const before = preparedImage(row)
  return host.containerImages.ensure(reference, before?.reference === reference ? before.digest : null)
}

/**
 * The disk with the machine's container image; undefined where it runs no application.
 * @throws HostError when the image has gone from the cache; it is fetched again meanwhile
 */
export async function containerDisk(
  host: Host,
  row: Prepared,
  settings: PublishedSettings,
): Promise<string | undefined> {
  const reference = wantedImage(settings)
  if (reference === null) return undefined
  const fetched = await fetchContainerImage(host, row, reference)
  if (fetched.state === 'ready') return fetched.image.disk
  throw new HostError(`The container image has gone from the cache and is fetched again. ${fetched.detail}`)
}
