/** A container image in the cache, as a disk that guests read. */
export interface ContainerImage {
  /** As it was asked for, with registry and tag or digest: `docker.io/jupyter/minimal-notebook:latest`. */
  readonly reference: string
  /** sha256 of its manifest, `sha256:…`: what the reference meant when it was fetched. */
  readonly digest: string
  /** sha256 of its configuration, `sha256:…`: how the guest's container engine knows it. */
  readonly imageId: string
  /** Absolute path of a read-only disk: a file system with a store of container images (containers-storage.conf(5)). */
  readonly disk: string
}

/** How far fetching an image is. */
export type ContainerFetch =
  | { readonly state: 'ready'; readonly image: ContainerImage }
  /** `detail`: one sentence for a person, such as `Fetching docker.io/…: 120 of 900 MiB.` */
  | { readonly state: 'fetching'; readonly detail: string }

/** The container images of one host. */
export interface ContainerImages {
  /**
   * Looks for an image and begins to fetch it where it is missing; returns at once. Asked again, it tells how
   * far it is.
   * @param digest what the reference meant to the machine before; null: what it means to the registry now
   * @throws HostError when fetching failed since it was last asked, retryable only where trying again can help
   */
  ensure(reference: string, digest: string | null): Promise<ContainerFetch>
}
