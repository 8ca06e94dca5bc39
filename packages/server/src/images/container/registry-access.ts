import { type ImageReference, imageReferenceText } from '@berth/contract/application/image-reference'

/** How this host reaches registries. */
export interface RegistryAccess {
  /** `https://mirror.example/prefix` or `http://…`: where images of docker.io are fetched instead; "" for none. */
  readonly mirror: string
  /** Path of a file with credentials (containers-auth.json(5)); "" for none. */
  readonly authFile: string
}

/** Where an image is fetched. */
export interface ImageSource {
  /** Host name and port, for a person. */
  readonly registry: string
  /** The image's name there, without its version. */
  readonly repository: string
  /** Whether the registry must speak TLS and prove its name: only an operator's `http://` mirror need not. */
  readonly verifyTls: boolean
}

/** The place of an image, the operator's mirror considered. */
export function sourceOf({ registry, repository }: ImageReference, { mirror }: RegistryAccess): ImageSource {
  if (registry !== 'docker.io' || mirror === '') return { registry, repository, verifyTls: true }
  const { protocol, host, pathname } = new URL(mirror)
  const prefix = pathname.replace(/^\/+|\/+$/g, '')
  return {
    registry: host,
    repository: prefix === '' ? repository : `${prefix}/${repository}`,
    verifyTls: protocol === 'https:',
  }
}

/** What skopeo calls a version of an image at its source (containers-transports(5)). */
export function dockerTransport(
  source: ImageSource,
  version: Pick<ImageReference, 'tag' | 'digest'>,
): string {
  return `docker://${imageReferenceText({ ...version, ...source })}`
}
