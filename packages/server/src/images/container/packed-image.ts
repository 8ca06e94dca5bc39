import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Type from 'typebox'
import Value from 'typebox/value'
import { Digest, ImageManifest, parsedJson, unfit } from './image-manifest.ts'

/** An image as its registry sent it, in a directory (containers-transports(5), `dir:`). */
export interface PackedImage {
  readonly manifest: Buffer
  readonly config: Buffer
  /** The lowest first. */
  readonly layers: readonly PackedLayer[]
}

export interface PackedLayer {
  /** An archive, packed or not. */
  readonly path: string
  /** sha256 of that file, `sha256:…`. */
  readonly digest: string
  /** sha256 of the archive inside, `sha256:…`, as the image's configuration says. */
  readonly diffId: string
  readonly packing: 'gzip' | 'none' | 'other'
}

const Config = Type.Object({ rootfs: Type.Object({ diff_ids: Type.Array(Digest) }) })

/** How packed archives begin; what begins otherwise is an archive as it is. */
const BEGINNINGS = [
  ['gzip', '1f8b'],
  ['other', '28b52ffd'], // zstd
  ['other', 'fd377a585a00'], // xz
  ['other', '425a68'], // bzip2
] as const

/**
 * Reads what skopeo has put into a directory.
 * @throws HostError when manifest and configuration do not fit
 */
export async function readPackedImage(directory: string, reference: string): Promise<PackedImage> {
  const manifest = await readFile(join(directory, 'manifest.json'))
  const blob = (digest: string) => join(directory, digest.replace(/^sha256:/, ''))
  const parsed = parsedJson(manifest.toString())
  if (!Value.Check(ImageManifest, parsed)) throw unfit(reference, 'has a manifest that cannot be read')
  const config = await readFile(blob(parsed.config.digest))
  const described = parsedJson(config.toString())
  const diffIds = Value.Check(Config, described) ? described.rootfs.diff_ids : []
  if (diffIds.length !== parsed.layers.length) {
    throw unfit(
      reference,
      `has ${parsed.layers.length} layers, and its configuration tells of ${diffIds.length}`,
    )
  }
  const layers = await Promise.all(
    parsed.layers.map(async ({ digest }, index) => ({
      path: blob(digest),
      digest,
      diffId: diffIds[index] ?? '',
      packing: await packingOf(blob(digest)),
    })),
  )
  return { manifest, config, layers }
}

async function packingOf(path: string): Promise<PackedLayer['packing']> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
    const beginning = buffer.subarray(0, bytesRead).toString('hex')
    return BEGINNINGS.find(([, mark]) => beginning.startsWith(mark))?.[0] ?? 'none'
  } finally {
    await file.close()
  }
}
