import Type from 'typebox'
import Value from 'typebox/value'
import { Digest } from './image-manifest.ts'

const Platform = Type.Object({
  os: Type.Optional(Type.String()),
  architecture: Type.Optional(Type.String()),
  variant: Type.Optional(Type.String()),
})
type Platform = Type.Static<typeof Platform>

/** The same image for several platforms: OCI image index, or Docker's manifest list. */
const ImageIndex = Type.Object({ manifests: Type.Array(Type.Unknown()) })
const Entry = Type.Object({ digest: Digest, platform: Type.Optional(Type.Unknown()) })

/** Entries without a platform are looked into one by one; no index of people's has more of them. */
const MOST_UNTOLD = 8
const MOST_SHOWN = 8

/** What an index offers to a guest, the best first. */
interface Offers {
  /** `promised`: the index says that this one is for linux/amd64; otherwise its configuration decides. */
  readonly fitting: readonly { readonly digest: string; readonly promised: boolean }[]
  /** What guests cannot run, for a person, such as `linux/arm64` and `linux/amd64/v3`. */
  readonly others: readonly string[]
}

/**
 * What an index has for guests, who run the baseline of linux/amd64: the first entry that says so; where none does,
 * those that say nothing, as skopeo and containerd choose. An entry that cannot be read stands for itself alone.
 * @returns null for what is no index
 */
export function offers(index: unknown): Offers | null {
  if (!Value.Check(ImageIndex, index)) return null
  const entries = index.manifests.filter((entry) => Value.Check(Entry, entry))
  const read = entries.map(({ digest, platform }) => ({ digest, platform: platformOf(platform) }))
  const fitting = read.find(({ platform }) => platform !== null && isBaseline(platform))
  const untold = read.filter(({ platform }) => platform === null).slice(0, MOST_UNTOLD)
  return {
    fitting: fitting
      ? [{ digest: fitting.digest, promised: true }]
      : untold.map(({ digest }) => ({ digest, promised: false })),
    others: [
      ...new Set(read.flatMap(({ platform }) => (platform && !isBaseline(platform) ? nameOf(platform) : []))),
    ]
      // Provenance and signatures stand there as images of no platform.
      .filter((name) => name !== 'unknown/unknown')
      .slice(0, MOST_SHOWN),
  }
}

/**
 * Whether an image is one that guests run, by its configuration.
 * @param promised the index says so: then only a configuration that says otherwise counts
 */
export function isForGuests(config: unknown, promised: boolean): boolean {
  if (!Value.Check(Platform, config)) return false
  const { os = '', architecture = '' } = config
  if (promised && os === '' && architecture === '') return true
  return os === 'linux' && architecture === 'amd64'
}

/** null for none: left out, empty, or nothing that says a platform. */
function platformOf(value: unknown): Platform | null {
  if (!Value.Check(Platform, value)) return null
  return value.os || value.architecture ? value : null
}

/** Later variants ask for instructions that not every host's processor has (x86-64 psABI, microarchitecture levels). */
function isBaseline({ os, architecture, variant = '' }: Platform): boolean {
  return os === 'linux' && architecture === 'amd64' && ['', 'v1'].includes(variant)
}

function nameOf({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join('/').slice(0, 40)
}
