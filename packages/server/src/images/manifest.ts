import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Value } from 'typebox/value'
import { Type, type Static } from 'typebox'
import canonicalize from 'canonicalize'
import { imageFileRoles, type GuestImage, type ImageFileRole } from './guest-image.ts'

const manifestFile = 'manifest.json'

const hash = Type.String({ pattern: '^[0-9a-f]{64}$' })

const manifestEntry = Type.Object({
  file: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 128 }),
  sha256: hash,
  sizeBytes: Type.Integer({ minimum: 0 }),
})

const manifestSchema = Type.Object({
  format: Type.Literal(1),
  name: Type.String(),
  digest: hash,
  recipe: hash,
  bootMode: Type.Union([Type.Literal('kernel'), Type.Literal('disk')]),
  kernelArguments: Type.Array(Type.String()),
  defaultUser: Type.String(),
  createdAt: Type.String(),
  files: Type.Object({
    kernel: Type.Optional(manifestEntry),
    initrd: Type.Optional(manifestEntry),
    disk: Type.Optional(manifestEntry),
  }),
  packages: Type.Optional(Type.Record(Type.String(), Type.String())),
})

/** What stands in an image's `manifest.json`. File names are relative to the image's directory. */
export type ImageManifest = Static<typeof manifestSchema>

/** What a recipe says of the image it made. */
export interface ImageDescription {
  readonly name: string
  readonly recipe: string
  readonly bootMode: 'kernel' | 'disk'
  readonly kernelArguments: readonly string[]
  readonly defaultUser: string
  /** File names inside the image's directory. */
  readonly files: Readonly<Partial<Record<ImageFileRole, string>>>
  /** Version by Debian package, for a person who asks what is inside. */
  readonly packages?: Readonly<Record<string, string>>
}

/** sha256 (hex) of a file's content, read as a stream. */
export async function sha256OfFile(path: string): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(path), digest)
  return digest.digest('hex')
}

/** sha256 (hex) over the parts of a manifest that decide what boots; dates and package lists do not. */
export function bootDigest(manifest: Omit<ImageManifest, 'digest' | 'createdAt'>): string {
  const hashes = Object.fromEntries(
    imageFileRoles.flatMap((role) => {
      const entry = manifest.files[role]
      return entry ? [[role, entry.sha256]] : []
    }),
  )
  const decisive = {
    bootMode: manifest.bootMode,
    defaultUser: manifest.defaultUser,
    files: hashes,
    kernelArguments: manifest.kernelArguments,
  }
  return createHash('sha256').update(canonicalize(decisive)!).digest('hex')
}

/**
 * Hashes the files in `directory`, flushes them to disk, and then writes their manifest: a directory
 * with a manifest is a complete image.
 */
export async function writeManifest(directory: string, image: ImageDescription): Promise<ImageManifest> {
  const files: ImageManifest['files'] = {}
  for (const role of imageFileRoles) {
    const file = image.files[role]
    if (file === undefined) continue
    const path = join(directory, basename(file))
    await chmodAndSync(path)
    files[role] = { file, sha256: await sha256OfFile(path), sizeBytes: (await stat(path)).size }
  }
  const body = {
    format: 1 as const,
    name: image.name,
    recipe: image.recipe,
    bootMode: image.bootMode,
    kernelArguments: [...image.kernelArguments],
    defaultUser: image.defaultUser,
    files,
    ...(image.packages ? { packages: { ...image.packages } } : {}),
  }
  const manifest = { ...body, digest: bootDigest(body), createdAt: new Date().toISOString() }
  const handle = await open(join(directory, manifestFile), 'wx', 0o644)
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await handle.chmod(0o644)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return manifest
}

/** The manifest of an image's directory; null when there is none or it is not one of ours. */
export async function readManifest(directory: string): Promise<ImageManifest | null> {
  let text: string
  try {
    text = await readFile(join(directory, manifestFile), 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
  try {
    const value: unknown = JSON.parse(text)
    return Value.Check(manifestSchema, value) ? value : null
  } catch {
    return null
  }
}

/** The image that a directory's manifest describes. */
export function imageFromManifest(directory: string, manifest: ImageManifest): GuestImage {
  const { kernel, initrd, disk } = manifest.files
  const entries = [kernel, initrd, disk]
  return {
    name: manifest.name,
    digest: manifest.digest,
    bootMode: manifest.bootMode,
    ...(kernel ? { kernel: join(directory, kernel.file) } : {}),
    ...(initrd ? { initrd: join(directory, initrd.file) } : {}),
    ...(disk ? { disk: join(directory, disk.file) } : {}),
    ...(manifest.bootMode === 'kernel' ? { kernelArguments: manifest.kernelArguments } : {}),
    defaultUser: manifest.defaultUser,
    sizeBytes: entries.reduce((sum, entry) => sum + (entry?.sizeBytes ?? 0), 0),
    createdAt: manifest.createdAt,
    recipe: manifest.recipe,
  }
}

async function chmodAndSync(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.chmod(0o644)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
