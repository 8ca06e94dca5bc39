import { createHash } from 'node:crypto'
import { type ImageReference, imageReferenceText } from '@berth/contract/application/image-reference'
import Value from 'typebox/value'
import { ImageManifest, parsedJson, unfit } from './image-manifest.ts'
import { isForGuests, offers } from './image-platform.ts'
import { dockerTransport, type ImageSource } from './registry-access.ts'
import { registryFailure } from './registry-failure.ts'
import type { Skopeo, SkopeoOptions } from './skopeo.ts'

/** What a reference means to its registry, for the platform of guests. */
export interface ResolvedImage {
  /** sha256 of the manifest of linux/amd64, `sha256:…`. */
  readonly digest: string
  /** sha256 of its configuration, `sha256:…`. */
  readonly imageId: string
  /** Bytes of its layers as they are sent, packed. */
  readonly packedBytes: number
}

const TIMEOUT_MS = 60_000

/**
 * Asks the registry what a reference means.
 * @throws HostError when the registry does not answer, refuses, or has no such image for linux/amd64
 */
export async function resolveImage(
  skopeo: Skopeo,
  reference: ImageReference,
  source: ImageSource,
  signal?: AbortSignal,
): Promise<ResolvedImage> {
  const text = imageReferenceText(reference)
  const options: SkopeoOptions = { timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) }
  const tls = source.verifyTls ? [] : ['--tls-verify=false']
  const inspect = async (version: Pick<ImageReference, 'tag' | 'digest'>, ...words: string[]) => {
    const call = ['--raw', ...words, ...tls, dockerTransport(source, version)]
    const { code, stdout, stderr } = await skopeo.run('inspect', call, options)
    if (code !== 0) throw registryFailure(text, source.registry, stderr)
    return stdout
  }

  const described = async (wanted: string, manifest: unknown, promised: boolean) => {
    if (!Value.Check(ImageManifest, manifest)) return null
    if (!isForGuests(parsedJson(await inspect({ digest: wanted }, '--config')), promised)) return null
    const packedBytes = manifest.layers.reduce((sum, { size }) => sum + size, 0)
    return { digest: wanted, imageId: manifest.config.digest, packedBytes }
  }

  const raw = await inspect(reference)
  const parsed = parsedJson(raw)
  const offered = offers(parsed)
  if (offered === null) {
    if (!Value.Check(ImageManifest, parsed)) {
      throw unfit(text, 'has a manifest that is neither OCI nor Docker version 2, schema 2')
    }
    const image = await described(reference.digest ?? sha256(raw), parsed, false)
    if (image === null) throw unfit(text, 'is not for linux/amd64, which guests run')
    return image
  }
  for (const { digest, promised } of offered.fitting) {
    const image = await described(digest, parsedJson(await inspect({ digest })), promised)
    if (image !== null) return image
  }
  const others = offered.others.length === 0 ? '' : `; it has ${offered.others.join(', ')}`
  throw unfit(text, `has no version for linux/amd64, which guests run${others}`)
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
