import { createHash } from 'node:crypto'
import { link, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { fullDisk, NO_SPACE } from '../../host/full-disk.ts'
import { runConfined } from './confined-program.ts'
import { unfit } from './image-manifest.ts'
import type { PackedLayer } from './packed-image.ts'

const TYPE = 'application/vnd.oci.image'
const TIMEOUT_MS = 12 * 60 * 60_000

/**
 * Unpacks an image's layers one over the other into one directory, which is what a container would see: with what
 * upper layers take away gone (whiteouts, opaque directories) and links across layers in place. umoci(1) does it,
 * which follows no link out of the directory and checks each layer against the image's configuration.
 * @param root where to; made, in a directory that is there
 * @param work an empty directory on the same file system as the layers, which are linked there
 * @throws HostError, retryable only where trying again can help
 */
export async function unpackLayers(
  layers: readonly PackedLayer[],
  root: string,
  work: string,
  reference: string,
  signal: AbortSignal,
): Promise<void> {
  await writeLayout(join(work, 'layout'), layers)
  // Named from within, since a colon parts the layout from its tag.
  const words = ['raw', 'unpack', '--image', 'layout:latest', root]
  const { code, stderr, stdout } = await runConfined('umoci', words, {
    timeoutMs: TIMEOUT_MS,
    cwd: work,
    signal,
  })
  if (code === 0) return
  const last = (stderr || stdout).trim().split('\n').at(-1)?.trim().slice(-2000) ?? ''
  // Tenants read it, whom the host's paths are no matter of.
  const said = last.replaceAll(root, '').replaceAll(work, '').slice(-400)
  if (said.toLowerCase().includes(NO_SPACE.toLowerCase())) throw fullDisk(said)
  if (code === null || said === '')
    throw new HostError(`The image "${reference}" could not be unpacked: ${said || 'umoci ended'}.`)
  throw unfit(reference, `cannot be unpacked: ${said.replace(/^\W+/, '')}`)
}

/** Writes an OCI image layout, which is what umoci reads, whatever the registry's manifest was. */
async function writeLayout(directory: string, layers: readonly PackedLayer[]): Promise<void> {
  const blobs = join(directory, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const place = (digest: string) => join(blobs, digest.replace(/^sha256:/, ''))
  const put = async (mediaType: string, value: object) => {
    const text = JSON.stringify(value)
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    await writeFile(place(digest), text)
    return { mediaType, digest, size: Buffer.byteLength(text) }
  }
  for (const [digest, path] of new Map(layers.map((it) => [it.digest, it.path])))
    await link(path, place(digest))
  const config = await put(`${TYPE}.config.v1+json`, {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  })
  const described = await Promise.all(
    layers.map(async ({ path, digest, packing }) => ({
      mediaType: `${TYPE}.layer.v1.tar${packing === 'gzip' ? '+gzip' : ''}`,
      digest,
      size: (await stat(path)).size,
    })),
  )
  const manifest = await put(`${TYPE}.manifest.v1+json`, { schemaVersion: 2, config, layers: described })
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}
