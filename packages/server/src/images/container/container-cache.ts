import { createHash, randomUUID } from 'node:crypto'
import { chmod, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import Type from 'typebox'
import Value from 'typebox/value'
import { errorCode } from '../../host/error-code.ts'
import { ensureReadableDir } from '../build-directory.ts'
import { publishDirectory } from '../publish-directory.ts'
import { canBeMounted } from './image-disk.ts'
import { Digest } from './image-manifest.ts'

/** Inside an image's directory. */
const DISK = 'disk.img'
const MANIFEST = 'manifest.json'

const manifestSchema = Type.Object({
  /** 2: all layers as one. 1: each layer of its own, as older servers made them. */
  format: Type.Union([Type.Literal(1), Type.Literal(2)]),
  /** The reference that it was first fetched by. */
  reference: Type.String(),
  digest: Digest,
  imageId: Digest,
  createdAt: Type.String(),
})
const meaningSchema = Type.Object({ reference: Type.String(), digest: Digest })

/** What stands in an image's `manifest.json`. */
export type ContainerManifest = Type.Static<typeof manifestSchema>

/** A container image in the cache. */
export interface CachedContainer extends ContainerManifest {
  readonly directory: string
  readonly disk: string
  /** Bytes that its disk takes on the host. */
  readonly sizeBytes: number
  /** When it was last asked for. */
  readonly usedAt: Date
}

function containersDir(cacheDir: string): string {
  return join(cacheDir, 'containers')
}

/** One file a reference, which says what it meant when it was last fetched. */
function meaningsDir(cacheDir: string): string {
  return join(containersDir(cacheDir), 'references')
}

function meaningPath(cacheDir: string, reference: string): string {
  return join(meaningsDir(cacheDir), `${createHash('sha256').update(reference).digest('hex')}.json`)
}

function placeOf(cacheDir: string, wanted: string): string {
  return join(containersDir(cacheDir), wanted.replace(/^sha256:/, ''))
}

/** The image of that digest, `sha256:…`; null when the cache has not the whole of it, or in no form that can run. */
export function findContainer(cacheDir: string, wanted: string): Promise<CachedContainer | null> {
  return readUsable(placeOf(cacheDir, wanted))
}

/** Every container image in the cache, the latest used first. */
export async function listContainers(cacheDir: string): Promise<CachedContainer[]> {
  const names = await readdir(containersDir(cacheDir)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw unreadable(containersDir(cacheDir), error)
  })
  const places = names.filter((name) => /^[0-9a-f]{64}$/.test(name))
  const found = await Promise.all(places.map((name) => readContainer(join(containersDir(cacheDir), name))))
  return found.filter((image) => image !== null).toSorted((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
}

/** What references meant when they were last fetched: digests by reference. */
export async function listMeanings(cacheDir: string): Promise<Map<string, string>> {
  const names = await readdir(meaningsDir(cacheDir)).catch(() => [])
  const meanings = new Map<string, string>()
  for (const name of names.filter((it) => it.endsWith('.json'))) {
    const value = await readJson(join(meaningsDir(cacheDir), name))
    if (Value.Check(meaningSchema, value)) meanings.set(value.reference, value.digest)
  }
  return meanings
}

/** Forgets what references meant whose image is no longer there. @param kept digests of those that are */
export async function forgetMeanings(cacheDir: string, kept: ReadonlySet<string>): Promise<void> {
  for (const [reference, means] of await listMeanings(cacheDir)) {
    if (!kept.has(means)) await rm(meaningPath(cacheDir, reference), { force: true })
  }
}

/** Notes what a reference means now. */
export async function noteMeaning(cacheDir: string, reference: string, means: string): Promise<void> {
  const path = meaningPath(cacheDir, reference)
  await ensureReadableDir(meaningsDir(cacheDir))
  const temporary = `${path}.${randomUUID()}`
  await writeFile(temporary, `${JSON.stringify({ reference, digest: means })}\n`, { flag: 'wx' })
  await chmod(temporary, 0o644)
  await rename(temporary, path)
}

/** Notes that an image was asked for just now, which keeps it from being pruned. */
export async function touchContainer({ directory }: CachedContainer): Promise<void> {
  const now = new Date()
  await utimes(join(directory, MANIFEST), now, now)
}

/** Where the disk of an image that is being made lies in its directory. */
export function diskIn(directory: string): string {
  return join(directory, DISK)
}

/**
 * Moves a finished disk's directory into the cache: flushed first, so that a crash leaves either none or the whole
 * of it. An image that is there already wins.
 */
export async function publishContainer(
  cacheDir: string,
  directory: string,
  image: Omit<ContainerManifest, 'format' | 'createdAt'>,
): Promise<CachedContainer> {
  await flush(diskIn(directory))
  const manifest: ContainerManifest = { format: 2, ...image, createdAt: new Date().toISOString() }
  await writeFile(join(directory, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' })
  await flush(join(directory, MANIFEST))
  await chmod(directory, 0o755)
  await ensureReadableDir(containersDir(cacheDir))
  return publishDirectory(cacheDir, directory, placeOf(cacheDir, image.digest), readUsable)
}

/** Makes a file readable to the user that runs guests, and durable. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.chmod(0o644)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readUsable(directory: string): Promise<CachedContainer | null> {
  const image = await readContainer(directory)
  return image === null || image.format === 2 || (await canBeMounted(image.disk)) ? image : null
}

async function readContainer(directory: string): Promise<CachedContainer | null> {
  const manifest = await readJson(join(directory, MANIFEST))
  if (!Value.Check(manifestSchema, manifest)) return null
  const disk = diskIn(directory)
  const [file, noted] = await Promise.all([stat(disk), stat(join(directory, MANIFEST))]).catch(() => [])
  if (!file?.isFile() || !noted) return null
  return { ...manifest, directory, disk, sizeBytes: file.blocks * 512, usedAt: noted.mtime }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return 'null'
    throw unreadable(path, error)
  })
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function unreadable(path: string, error: unknown): HostError {
  return new HostError(
    `The image cache cannot be read: ${path} (${errorCode(error)}). Run as root, or give --cache a directory of your own.`,
    { cause: error },
  )
}
