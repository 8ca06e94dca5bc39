import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'

/** One packed layer of a container image. */
export interface Layer {
  /** A packed tar archive. */
  readonly path: string
  readonly packing: 'gzip' | 'zstd'
  /** sha256 of the file, `sha256:…`. */
  readonly digest: string
  /** sha256 of the archive inside, `sha256:…`. */
  readonly diffId: string
  readonly size: number
}

/** How a container of an image starts (OCI image configuration, `config`). */
export interface ContainerConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
}

/** Packs a tar archive into a layer at `path`. */
export async function packLayer(
  archive: string,
  path: string,
  packing: Layer['packing'] = 'gzip',
): Promise<Layer> {
  const [inside, packed] = [createHash('sha256'), createHash('sha256')]
  const through = (hash: typeof inside) =>
    new PassThrough().on('data', (chunk: Buffer) => void hash.update(chunk))
  const packer = packing === 'gzip' ? createGzip({ level: 1 }) : createZstdCompress()
  await pipeline(createReadStream(archive), through(inside), packer, through(packed), createWriteStream(path))
  return {
    path,
    packing,
    digest: `sha256:${packed.digest('hex')}`,
    diffId: `sha256:${inside.digest('hex')}`,
    size: (await stat(path)).size,
  }
}

/** Writes a directory that skopeo reads as `oci:DIRECTORY` (OCI image layout); layers are linked, not copied. */
export async function writeOciLayout(
  directory: string,
  layers: readonly Layer[],
  config: ContainerConfig,
): Promise<void> {
  const blobs = join(directory, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const place = (digest: string) => join(blobs, digest.replace('sha256:', ''))
  const put = async (value: object) => {
    const text = JSON.stringify(value)
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    await writeFile(place(digest), text)
    return { digest, size: Buffer.byteLength(text) }
  }
  // The same layer may come twice.
  for (const [digest, path] of new Map(layers.map((it) => [it.digest, it.path])))
    await link(path, place(digest))
  const configuration = await put({
    // Always the same, so that the same content has the same digest.
    created: '2024-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  })
  const type = 'application/vnd.oci.image'
  const manifest = await put({
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: { mediaType: `${type}.config.v1+json`, ...configuration },
    layers: layers.map(({ digest, size, packing }) => ({
      mediaType: `${type}.layer.v1.tar+${packing}`,
      digest,
      size,
    })),
  })
  const manifests = [{ mediaType: `${type}.manifest.v1+json`, ...manifest }]
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}
