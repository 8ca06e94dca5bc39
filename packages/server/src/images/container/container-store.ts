import { createHash } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Type from 'typebox'
import Value from 'typebox/value'
import { parsedJson } from './image-manifest.ts'
import type { PackedImage } from './packed-image.ts'

const Created = Type.Object({ created: Type.String({ maxLength: 64 }) })

/** An image that lies in a store as one layer. */
export interface StoredImage extends Pick<PackedImage, 'manifest' | 'config'> {
  /** The reference in full. */
  readonly name: string
  /** Bytes of its files. */
  readonly bytes: number
}

/** Where the one layer's files belong: to be filled by the caller. */
export function layerRoot(graph: string, digest: string): string {
  return join(layerDirectory(graph, digest), 'diff')
}

/** Makes the directories that `layerRoot` lies in. @param digest of the image's manifest, `sha256:…` */
export async function makeLayerDirectory(graph: string, digest: string): Promise<void> {
  const directory = layerDirectory(graph, digest)
  await mkdir(join(graph, 'overlay/l'), { recursive: true })
  // What the overlay driver of containers/storage makes of a layer without parents.
  for (const name of ['', 'empty', 'merged', 'work']) await mkdir(join(directory, name), { mode: 0o700 })
  const short = layerId(digest).slice(0, 26).toUpperCase()
  await writeFile(join(directory, 'link'), short)
  await symlink(join('..', layerId(digest), 'diff'), join(graph, 'overlay/l', short))
}

/**
 * Writes a store's records (containers/storage, driver overlay, read by podman 3 and newer) for an image whose layers
 * lie in `layerRoot` as one: the mount of each container names every layer, within a page of 4,096 bytes, and some 65
 * filled it. Manifest and configuration stay the registry's own, so that the image keeps its digest and id.
 */
export async function writeStoreRecords(
  graph: string,
  { manifest, config, name, bytes }: StoredImage,
): Promise<void> {
  const [digest, configDigest] = [sha256(manifest), sha256(config)]
  const id = configDigest.replace('sha256:', '')
  const layer = layerId(digest)
  const [images, layers] = [join(graph, 'overlay-images'), join(graph, 'overlay-layers')]
  await mkdir(join(images, id), { recursive: true, mode: 0o700 })
  await mkdir(layers, { mode: 0o700 })
  const data = { manifest, [`manifest-${digest}`]: manifest, [configDigest]: config }
  for (const [key, value] of Object.entries(data)) await writeFile(join(images, id, fileOf(key)), value)
  const of = <Result>(what: (value: Buffer) => Result) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, what(value)]))
  const created = createdAt(config)
  const image = {
    id,
    digest,
    names: [name],
    layer,
    metadata: '{}',
    'big-data-names': Object.keys(data),
    'big-data-sizes': of((value) => value.length),
    'big-data-digests': of(sha256),
    created,
  }
  // By its digest an engine would find the layer again in another image: this one is in no other.
  const only = { id: layer, created, 'diff-digest': `sha256:${layer}`, 'diff-size': bytes }
  await writeFile(join(images, 'images.json'), JSON.stringify([image]))
  await writeFile(join(layers, 'layers.json'), JSON.stringify([only]))
  // A reader without the right to write opens them as they are.
  for (const lock of [join(images, 'images.lock'), join(layers, 'layers.lock')]) await writeFile(lock, '')
}

function layerDirectory(graph: string, digest: string): string {
  return join(graph, 'overlay', layerId(digest))
}

function layerId(digest: string): string {
  return sha256(Buffer.from(`layers of ${digest}`)).replace('sha256:', '')
}

/** When the image was made, as it says itself; an engine shows it. */
function createdAt(config: Buffer): string {
  const described = parsedJson(config.toString())
  const stated = Value.Check(Created, described) ? new Date(described.created) : new Date(Number.NaN)
  return (Number.isNaN(stated.getTime()) ? new Date() : stated).toISOString()
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** containers/storage: a name of other characters than these is written in base64. */
function fileOf(key: string): string {
  return /^[a-z0-9.]+$/.test(key) ? key : `=${Buffer.from(key).toString('base64')}`
}
