/** A guest image that is complete in the cache: absolute paths of read-only files, and how they boot. */
export interface GuestImage {
  /** The name users and profiles know it by, such as `debian-12`. */
  readonly name: string
  /** sha256 (hex) of what decides how it boots: two images with one digest boot the same. */
  readonly digest: string
  /** `kernel`: kernel, initrd and command line are given to the machine. `disk`: firmware boots the disk. */
  readonly bootMode: 'kernel' | 'disk'
  readonly kernel?: string
  readonly initrd?: string
  readonly kernelArguments?: readonly string[]
  /** The root disk (qcow2), absent for images that live in their initrd. */
  readonly disk?: string
  readonly defaultUser: string
  /** Bytes that the image's files take in the cache. */
  readonly sizeBytes: number
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** sha256 (hex) of the recipe it was built from. */
  readonly recipe: string
}

/** The files an image may have. */
export const imageFileRoles = ['kernel', 'initrd', 'disk'] as const

export type ImageFileRole = (typeof imageFileRoles)[number]
